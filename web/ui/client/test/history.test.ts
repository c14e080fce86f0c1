// What became of a player's money, page after page.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { HistoryRound, PitbossError } from '../src/index.js'
import { line, settle, welcome, Wire } from './wire.js'

beforeEach(() => {
  Wire.all = []
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
})
afterEach(() => {
  vi.useRealTimers()
})

const round = (n: number): HistoryRound => ({
  room: 'r', game: 'roulette', round: n, state: 'settled', staked: 100, payout: 0, refund: 0, net: -100, currency: 'EUR', proof: 'ready',
})

test('a history is read page after page, and ends where there is no next', async () => {
  const p = line()
  await settle()
  Wire.last.open().push('session.welcome', welcome)
  const seen: number[] = []
  const reading = (async () => {
    let cursor: string | undefined
    do {
      const page = await p.history.rounds(cursor === undefined ? { limit: 2 } : { cursor, limit: 2 })
      seen.push(...page.rounds.map((r) => r.round))
      cursor = page.next
    } while (cursor !== undefined)
  })()
  await Wire.last.answer('history.rounds', { rounds: [round(5), round(4)], next: '12' })
  await Wire.last.answer('history.rounds', { rounds: [round(3)] })
  await reading
  expect(seen).toEqual([5, 4, 3])
  expect(Wire.last.of('history.rounds').map((m) => m.params)).toEqual([{ limit: 2 }, { cursor: '12', limit: 2 }])
})

test('a page that nobody has time for is asked for again as it was, and a refused one is not', async () => {
  const p = line()
  await settle()
  Wire.last.open().push('session.welcome', welcome)
  const page = p.history.transactions({ cursor: '7.500' })
  await Wire.last.refuse('history.transactions', 'rate_limited')
  await vi.advanceTimersByTimeAsync(200)
  await Wire.last.answer('history.transactions', { transactions: [] })
  expect(await page).toEqual({ transactions: [] })
  expect(Wire.last.of('history.transactions').map((m) => m.params)).toEqual([{ cursor: '7.500' }, { cursor: '7.500' }])

  const refused = p.history.rounds({ limit: 51 }).catch((e: PitbossError) => e.code)
  await Wire.last.refuse('history.rounds', 'invalid_params')
  expect(await refused).toBe('invalid_params')
  expect(Wire.last.of('history.rounds').length).toBe(1)
})
