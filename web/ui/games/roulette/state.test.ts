// What is roulette's own of a table; ../../player/round.test.ts has what all round games do.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { begin, hear, join, mine, on, sit as sitAt, totals } from '../../player/testing'
import { Table } from './state.svelte'
import type { View } from './types'

beforeEach(begin)
afterEach(() => vi.useRealTimers())

/** A view of round 7 at seq 10. */
const view = (more: Partial<View> = {}): View => ({
  game: 'roulette', phase: 'betting', round: 7, commitment: 'c', seats: [], totals: [], mine: { staked: 0, bets: [] }, results: [],
  settings: { min_bet: 100, max_bet: 100_000, round_min: 100, round_max: 1e6, betting_ms: 15_000, close_ms: 1000, spin_ms: 6000, pause_ms: 4000, la_partage: false },
  ...more,
})
const sit = (v = view()): Promise<Table> => sitAt(Table, v)
const soon = '2026-01-01T00:00:06Z'
const later = '2026-01-01T00:00:09Z'
const spun = { pocket: 17, colour: 'black', seed: 's', commitment: 'c', settles_at: soon }

test('no more bets: the felt shows what counts, and older totals do not change it', async () => {
  const t = await sit(view({ totals: [on('red', 300)] }))
  hear(11, 'bet.placed', mine(on('red', 500)))
  hear(12, 'bet.placed', { seat: 1, sum: 900 })
  hear(13, 'betting.closed', { spins_at: '', totals: [on('red', 800), on('odd', 900)] })
  totals(11, [on('red', 800)])
  expect([t.phase, t.others]).toEqual(['closed', { red: 300, odd: 900 }])
  hear(14, 'betting.closed', { spins_at: '' }) // as rounds had it before there were totals
  expect(t.others).toEqual({ red: 300, odd: 900 })
})

test('the wheel spins until its result is paid, and a clock that moved moves it', async () => {
  const t = await sit(view({ phase: 'closed' }))
  hear(11, 'wheel.spun', spun)
  expect([t.phase, t.pocket, t.settlesAt, t.told, t.seed, t.lastProof]).toEqual(['spinning', 17, Date.parse(soon), false, undefined, undefined]) // until the ball lies
  hear(12, 'deadline.moved', { until: later })
  expect([t.settlesAt, t.closesAt]).toEqual([Date.parse(later), undefined])
  hear(13, 'round.settled', { pocket: 17, staked: 0, paid: 0, winners: [], next_at: '' })
  expect([t.phase, t.told, t.results, t.seed, t.lastProof]).toEqual(['settled', true, [{ round: 7, pocket: 17 }], 's', { round: 7, since: 7, seed: 's' }])
  hear(14, 'round.opened', { round: 8, commitment: 'd' })
  expect([t.pocket, t.settlesAt]).toEqual([undefined, undefined])
})

test('a void round has no number', async () => {
  const t = await sit(view({ phase: 'spinning', pocket: 17, settles_at: soon }))
  expect([t.pocket, t.settlesAt]).toEqual([17, Date.parse(soon)])
  hear(11, 'round.voided', { reason: 'x', next_at: '' })
  expect([t.phase, t.pocket, t.results]).toEqual(['settled', undefined, []])
})

test('500 results are kept', async () => {
  const results = Array.from({ length: 500 }, (_, i) => ({ round: i + 1, pocket: i % 37 }))
  const room = await join(view({ round: 501, phase: 'spinning', results }))
  const t = new Table(room)
  hear(11, 'round.settled', { round: 501, pocket: 5, staked: 0, paid: 0, winners: [], next_at: '' })
  expect([t.results.length, t.results[0], t.results.at(-1)]).toEqual([500, results[1], { round: 501, pocket: 5 }])
})
