// Compiles the pages' messages, which are ICU MessageFormat: those of messages/, messages/later/, messages/console/, messages/platform/, messages/verify/,
// games/<name>/messages/ and games/<name>/messages/verify/, each language into a module of its own under compiled/, so that a page loads one. A game's messages are found as
// its folder is: a new game has nothing to enter.
import compileModule from '@messageformat/core/compile-module.js'
import MessageFormat from '@messageformat/core'
import { parse } from '@messageformat/parser'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ui = fileURLToPath(new URL('.', import.meta.url))
/** The languages of the pages. The first is the one that they are written in. */
export const locales = ['en', 'de', 'es', 'ar']

const games = readdirSync(join(ui, 'games'))

/**
 * Where messages are, by what they are of: the pages, the parts of them that are fetched when they are wanted, the operator's console, the platform's, or a game. Under verify/ is what
 * only the page /verify says: of itself (verify/page), and of a game, with the game's verifier.
 */
export const folders = Object.fromEntries([
  ['pages', 'messages'], ['later', 'messages/later'], ['console', 'messages/console'], ['platform', 'messages/platform'], ['verify/page', 'messages/verify'],
  ...games.map((game) => [game, `games/${game}/messages`]), ...games.map((game) => [`verify/${game}`, `games/${game}/messages/verify`]),
].filter(([, dir]) => existsSync(join(ui, dir))))

/** Reads the messages of a folder in a language. */
export const read = (of, locale) => JSON.parse(readFileSync(join(ui, folders[of], `${locale}.json`), 'utf8'))

/** Returns the parameters of a message, in order, and its plural forms. */
export function shapeOf(message) {
  const [params, forms] = [new Set(), new Set()]
  const walk = (tokens) => {
    for (const t of tokens) {
      if (t.arg) params.add(t.arg)
      for (const c of t.cases ?? []) {
        forms.add(c.key)
        walk(c.tokens)
      }
    }
  }
  walk(parse(message))
  return { params: [...params].sort(), forms: [...forms].sort() }
}

/**
 * Returns a message as it would look in a language of long words with letters of its own. What is no word of a message is then seen at
 * once on the page, and whether longer words have room. What is added to a long message is in pieces that fit on a line.
 */
export function pseudo(message) {
  const marks = { a: 'á', e: 'é', i: 'í', o: 'ó', u: 'ú', c: 'ç', n: 'ñ', y: 'ý', A: 'Á', E: 'É', I: 'Í', O: 'Ó', U: 'Ú', C: 'Ç', N: 'Ñ' }
  const write = (tokens) =>
    tokens.map((t) => {
      if (t.type === 'content') return t.value.replace(/[a-zA-Z]/g, (c) => marks[c] ?? c) + '·'.repeat(Math.ceil(t.value.trim().length * 0.35)).replace(/·{12}(?=·)/g, '$& ')
      if (t.cases) return `{${t.arg}, plural, ${t.cases.map((c) => `${c.key} {${write(c.tokens)}}`).join(' ')}}`
      return `{${t.arg}}`
    }).join('')
  return `[${write(parse(message))}]`
}

/** Compiles all messages; inPseudo, English is the pseudo-locale. */
export function compileMessages({ inPseudo = false } = {}) {
  const out = join(ui, 'compiled')
  rmSync(out, { recursive: true, force: true })
  for (const of of Object.keys(folders)) {
    mkdirSync(join(out, of), { recursive: true })
    for (const locale of locales) {
      const messages = Object.entries(read(of, locale)).map(([key, text]) => [key, inPseudo && locale === 'en' ? pseudo(text) : text])
      writeFileSync(join(out, of, `${locale}.js`), compileModule(new MessageFormat([locale], { strict: true }), Object.fromEntries(messages)))
    }
  }
  const typed = Object.keys(folders).flatMap((of) => Object.entries(read(of, locales[0])).map(([key, text]) => {
    const { params } = shapeOf(text)
    return `  /** ${text.replaceAll('*/', '')} */\n  ${key}(${params.length > 0 ? `of: { ${params.map((p) => `${p}: ${p === 'count' ? 'number' : 'string | number'}`).join('; ')} }` : ''}): string`
  }))
  writeFileSync(join(out, 'messages.d.ts'), `// Made by messages.mjs.\nexport interface Messages {\n${typed.join('\n')}\n}\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) compileMessages({ inPseudo: process.argv.includes('--pseudo') })
