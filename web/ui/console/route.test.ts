import { expect, test } from 'vitest'
import { addressOf, nowhere, type Place, placeAt, sectionOf } from './route'

/** Returns random numbers in [0, n), the same for the same seed. */
function random(seed: number): (n: number) => number {
  let state = seed >>> 0
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
}

/** Letters of ids and of what people write: some that addresses use themselves, and some that are not ASCII. */
const letters = [...'aZ09.-_~/?#&=%+,;:@!$\'"\\<>[]{}|^` ', 'é', 'ß', 'ع', '中', '🎲', '\u200f', '%2F', '../']

function place(seed: number): Place {
  const next = random(seed)
  const text = (least = 0): string => Array.from({ length: least + next(8) }, () => letters[next(letters.length)]).join('')
  const one = <T>(...of: T[]): T => of[next(of.length)]!
  const names = ['player', 'player.prefix', 'balance.gte', 'balance.lt', 'created_at.lt', 'kind.in']
  return {
    section: one('tables', 'players', 'money', text(1).replace(/^\.\.?$/, 'x')),
    id: one('', '.', '..', 'alice', text()),
    filters: Object.fromEntries(names.filter(() => next(3) === 0).map((name) => [name, text(1)])),
    sort: one('', 'balance', '-balance', text()),
    hidden: one([], ['balance'], ['balance', 'created_at'], [text(1).replaceAll(',', 'x')]),
    from: one('', text()), open: one('', text()), action: one('', 'credit'), on: one('', text()),
  }
}

const seeds = process.env.SEED ? [Number(process.env.SEED)] : Array.from({ length: 2000 }, () => Math.floor(Math.random() * 2 ** 32))

test('any place has an address that leads to it, also through a browser', () => {
  for (const seed of seeds) {
    const at = place(seed)
    for (const home of ['/', '/t/casino-x/']) {
      const url = new URL(home + addressOf(at), 'https://casino.example')
      expect(placeAt(url.pathname.slice(home.length) + url.search), `SEED=${seed}`).toEqual(at)
    }
  }
})

test('an address is short: it names what is not as usual, and nothing else', () => {
  expect(addressOf({ section: 'players' })).toBe('console/players')
  expect(addressOf({ section: 'players', id: 'a/b' })).toBe('console/players/a%2Fb')
  expect(addressOf({ section: 'players', filters: { 'balance.gte': '100' }, sort: '-balance', hidden: ['created_at'], open: 'alice' })).toBe('console/players?balance.gte=100&sort=-balance&hide=created_at&open=alice')
  expect(placeAt('console')).toEqual(nowhere)
  expect(placeAt('console/players/%zz').id).toBe('%zz')
})

test('links from before sections had paths lead to where they are now', () => {
  expect(['#players', '#ledger', '#rooms', '#audit', '#nothing', ''].map(sectionOf)).toEqual(['players', 'money', 'tables', 'audit', undefined, undefined])
})
