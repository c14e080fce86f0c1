// What holds the pages to the contract in games.ts. This file names no game: the folders are looked up.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { roundEventTypes } from '../client/src/round'
import { gameNames, loadGame, loadPart } from './games'

const ui = fileURLToPath(new URL('..', import.meta.url))
const folders = readdirSync(join(ui, 'games'), { withFileTypes: true }).filter((f) => f.isDirectory()).map((f) => f.name)

/** Every file of the pages and of the SDK that is of no game. */
const generic = ['player', 'console', 'verify', 'shared', 'client/src']
  .flatMap((dir) => readdirSync(join(ui, dir), { recursive: true, withFileTypes: true }).filter((f) => f.isFile()).map((f) => join(f.parentPath, f.name)))
  .concat(readdirSync(ui).filter((f) => f.endsWith('.html')).map((f) => join(ui, f)))

/** Finds a name as a word of its own, or as a word of an identifier: not within "indices" or "crashed". */
const named = (name: string): RegExp => new RegExp(`(?<![A-Za-z])${name}(?![a-z])|${name[0]!.toUpperCase()}${name.slice(1)}(?![a-z])`)

test('a name is found wherever it stands for something', () => {
  for (const text of ["'senet'", 'SenetView', 'mySenet', 'senetView', 'senet_ms', 'a senet table', 'Senet']) expect([text, named('senet').test(text)]).toEqual([text, true])
  for (const text of ['senets', 'presenet', 'sene']) expect([text, named('senet').test(text)]).toEqual([text, false])
})

test('no file but those in the folder of a game names it, or an event that not every round game has', async () => {
  expect(generic.length).toBeGreaterThan(30)
  expect(folders.length).toBeGreaterThan(0)
  const found: string[] = []
  for (const folder of folders) {
    const events = (await loadGame(folder))!.events.filter((e) => !(roundEventTypes as readonly string[]).includes(e))
    for (const file of generic) {
      const text = readFileSync(file, 'utf8')
      const what = [...(named(folder).test(text) || named(folder).test(basename(file)) ? [folder] : []), ...events.filter((e) => text.includes(e))]
      if (what.length > 0) found.push(`${file.slice(ui.length)}: ${what.join(', ')}`)
    }
  }
  expect(found).toEqual([])
})

test('the pages know the games that have a folder, and no other', async () => {
  expect(gameNames).toEqual([...folders].sort())
  expect(await loadGame('senet')).toBeUndefined()
  for (const part of ['card', 'table', 'verifier'] as const) expect(await loadPart('senet', part)).toBeUndefined()
})

describe.each(folders)('the folder %s', (folder) => {
  test('has a Game under its own name', async () => {
    const game = (await loadGame(folder))!
    expect(game.name).toBe(folder)
    expect(game.title()).toMatch(/^\S.*\S$/)
    expect(game.events.length).toBeGreaterThan(0)
    expect(new Set(game.events).size).toBe(game.events.length)
    for (const e of game.events) expect(e).toMatch(/^[a-z_]+(\.[a-z_]+)+$/)
    for (const [key, word] of Object.entries(game.words)) expect([key, word.trim() === word && word.length > 0]).toEqual([key, true])
  })

  test('describes whatever settings a room has', async () => {
    const game = (await loadGame(folder))!
    for (const settings of [{}, { min_bet: 'x', max_bet: null }, Object.fromEntries(Object.keys(game.words).map((k) => [k, 100]))]) {
      const d = game.describe(settings, (minor) => `${minor}¢`)
      expect(typeof d.limits).toBe('string')
      for (const v of Object.values(d)) expect(typeof v).toBe('string')
    }
  })

  test('loads a card, a table and a verifier', async () => {
    expect(typeof (await loadPart(folder, 'card'))!.part).toBe('function')
    expect(typeof (await loadPart(folder, 'table'))!.part).toBe('function')
    const { verify, explain } = (await loadPart(folder, 'verifier'))!.part
    expect([typeof verify, typeof explain]).toEqual(['function', 'function'])
  })

  test('has an SDK namespace of its own name, which joins with its types and needs no page', async () => {
    const file = join(ui, 'games', folder, 'sdk.ts')
    expect(existsSync(file)).toBe(true)
    const sdk = (await import(/* @vite-ignore */ file)) as Record<string, { join?: unknown; eventTypes?: unknown }>
    expect(Object.keys(sdk)).toEqual([folder])
    expect(typeof sdk[folder]!.join).toBe('function')
    expect(sdk[folder]!.eventTypes).toEqual((await loadGame(folder))!.events)
  })
})
