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
      if (of !== 'pages' && of !== 'later') expect(key.startsWith(`${of}_`), key).toBe(true)
      return key
    }),
  )
  expect(new Set(names).size).toBe(names.length)
})

test('the pseudo-locale marks words and leaves parameters alone', () => {
  expect(pseudo('Round {round}')).toMatch(/^\[Róúñd ·+\{round\}\]$/)
  expect(shapeOf(pseudo('{count, plural, one {one table} other {{count} tables}}'))).toEqual({ params: ['count'], forms: ['one', 'other'] })
})

test('what is fetched at once says no word of what is fetched later', () => {
  const ui = fileURLToPath(new URL('..', import.meta.url))
  const games = readdirSync(join(ui, 'games')).filter((g) => existsSync(join(ui, 'games', g, 'game.ts')))
  const files = new Set<string>()
  const walk = (file: string): void => {
    if (files.has(file) || !/\.(ts|svelte)$/.test(file)) return
    files.add(file)
    for (const [, from = ''] of readFileSync(file, 'utf8').matchAll(/import (?!type\b)[^;(]*?'(\.[^']+)'/g)) {
      const path = join(dirname(file), from)
      const found = [path, `${path}.ts`, path.replace(/\.js$/, '.ts'), `${path}.svelte`].find((p) => /\.(ts|svelte)$/.test(p) && existsSync(p))
      if (found) walk(found)
    }
  }
  for (const file of ['player/main.ts', 'verify/main.ts', 'console/main.ts', ...games.flatMap((g) => [`games/${g}/game.ts`, `games/${g}/Table.svelte`])]) walk(join(ui, file))
  expect([...files].some((f) => f.endsWith('Shell.svelte'))).toBe(true)
  const later = new Set(Object.keys(read('later', 'en')))
  const said = [...files].flatMap((f) => [...readFileSync(f, 'utf8').matchAll(/\bm\.([a-z_]+)/g)].filter(([, key = '']) => later.has(key)).map(([, key]) => `${f.slice(ui.length)}: ${key}`))
  expect(said).toEqual([])
})
