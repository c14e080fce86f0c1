// What holds the languages to each other: each has every message, with the same parameters, and the plural forms that it needs.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { folders, locales, pseudo, read, shapeOf } from '../messages.mjs'
import { languages } from './locale'

const all = Object.keys(folders)
const categories = (locale: string): string[] => [...new Intl.PluralRules(locale).resolvedOptions().pluralCategories].sort()

test('the languages that can be chosen are those that there are messages of', () => {
  expect(Object.keys(languages)).toEqual(locales)
})

test.each(all.flatMap((of) => locales.map((locale) => [of, locale] as const)))('the words of %s in %s are complete', (of, locale) => {
  const [english, own] = [read(of, 'en'), read(of, locale)]
  expect(Object.keys(own)).toEqual(Object.keys(english))
  for (const [key, message] of Object.entries(own)) {
    const { params, forms } = shapeOf(message)
    expect([key, params]).toEqual([key, shapeOf(english[key]!).params])
    expect([key, message.trim() === message && message.length > 0]).toEqual([key, true])
    if (forms.length > 0) expect([key, forms]).toEqual([key, categories(locale)])
  }
})

test('what is of a game is called after it, so that no two games have a message of one name', () => {
  const names = all.flatMap((of) =>
    Object.keys(read(of, 'en')).map((key) => {
      if (!['pages', 'later', 'console', 'verify/page'].includes(of)) expect(key.startsWith(`${of.replace('verify/', '')}_`), key).toBe(true)
      return key
    }),
  )
  expect(new Set(names).size).toBe(names.length)
})

test('the pseudo-locale marks words and leaves parameters alone', () => {
  expect(pseudo('Round {round}')).toMatch(/^\[Róúñd ·+\{round\}\]$/)
  expect(shapeOf(pseudo('{count, plural, one {one table} other {{count} tables}}'))).toEqual({ params: ['count'], forms: ['one', 'other'] })
})

const ui = fileURLToPath(new URL('..', import.meta.url))
const games = readdirSync(join(ui, 'games')).filter((g) => existsSync(join(ui, 'games', g, 'game.ts')))
const imports = { atOnce: /import (?!type\b)[^;(]*?'(\.[^']+)'/g, ever: /import (?!type\b)[^;(]*?'(\.[^']+)'|import\('(\.[^']+)'\)/g }

/** Returns the files that these import, and those that they import, and so on, but for those that are left out. */
function reached(from: readonly string[], by: RegExp, out: (file: string) => boolean = () => false): string[] {
  const files = new Set<string>()
  const walk = (file: string): void => {
    if (files.has(file) || !/\.(ts|svelte)$/.test(file) || out(file)) return
    files.add(file)
    for (const [, one = '', other = ''] of readFileSync(file, 'utf8').matchAll(by)) {
      const path = join(dirname(file), one || other)
      const found = [path, `${path}.ts`, path.replace(/\.js$/, '.ts'), `${path}.svelte`].find((p) => /\.(ts|svelte)$/.test(p) && existsSync(p))
      if (found) walk(found)
    }
  }
  for (const file of from) walk(join(ui, file))
  return [...files]
}

/** Returns where these files say a word of these folders. */
function saidOf(folders: readonly string[], files: readonly string[]): string[] {
  const words = new Set(folders.flatMap((of) => Object.keys(read(of, 'en'))))
  return files.flatMap((f) => [...readFileSync(f, 'utf8').matchAll(/\bm\.([a-z_]+)/g)].filter(([, key = '']) => words.has(key)).map(([, key]) => `${f.slice(ui.length)}: ${key}`))
}

test('what is fetched at once says no word of what is fetched later', () => {
  const files = reached(['player/main.ts', 'verify/main.ts', 'console/main.ts', ...games.flatMap((g) => [`games/${g}/game.ts`, `games/${g}/Table.svelte`])], imports.atOnce)
  expect(files.some((f) => f.endsWith('Shell.svelte'))).toBe(true)
  expect(saidOf(['later'], files)).toEqual([])
})

test('only the console says its words', () => {
  const others = reached(['player/main.ts', 'verify/main.ts', ...games.map((g) => `games/${g}/game.ts`)], imports.ever)
  expect(saidOf(['console'], others)).toEqual([])
  expect(saidOf(['console'], reached(['console/main.ts'], imports.ever))).not.toEqual([])
})

test('only the page that verifies a round, and the verifiers, say its words', () => {
  const only = all.filter((of) => of.startsWith('verify/'))
  expect(only.length).toBeGreaterThan(games.length)
  const files = reached(['player/main.ts', 'console/main.ts', ...games.map((g) => `games/${g}/game.ts`)], imports.ever, (file) => file.endsWith('/verifier.ts'))
  for (const name of ['Shell.svelte', 'Drawer.svelte', 'Lobby.svelte', 'Table.svelte', 'Rules.svelte']) expect(files.some((f) => f.endsWith(`/${name}`)), name).toBe(true)
  expect(saidOf(only, files)).toEqual([])
  const page = reached(['verify/main.ts'], imports.atOnce)
  const verifiers = reached(games.map((g) => `games/${g}/verifier.ts`), imports.atOnce)
  expect(saidOf(['verify/page'], page)).not.toEqual([])
  expect(saidOf(only, verifiers)).not.toEqual([])
  expect(saidOf(only.filter((of) => of !== 'verify/page'), page)).toEqual([]) // those come with a game's verifier
  expect(saidOf(['later'], [...page, ...verifiers])).toEqual([])
})
