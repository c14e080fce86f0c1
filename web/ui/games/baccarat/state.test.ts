// What is baccarat's own of a table; ../../player/round.test.ts has what all round games do.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { begin, hear, join, on, sit as sitAt, totals } from '../../player/testing'
import { Table } from './state.svelte'
import type { Result, View } from './types'

beforeEach(begin)
afterEach(() => vi.useRealTimers())

/** A view of round 7 at seq 10. */
const view = (more: Partial<View> = {}): View => ({
  game: 'baccarat', phase: 'betting', round: 7, since: 5, commitment: 'c', seats: [], totals: [], mine: { staked: 0, bets: [] }, player: [], banker: [], dealt: 30, results: [],
  settings: { min_bet: 100, max_bet: 100_000, round_min: 100, round_max: 1e6, betting_ms: 15_000, close_ms: 1000, deal_ms: 1500, pause_ms: 4000, no_commission: false, banker_step: 20 },
  ...more,
})
const sit = (v = view()): Promise<Table> => sitAt(Table, v)
const soon = '2026-01-01T00:00:02Z'
const card = (to: string, card: string, more: object = {}): object => ({ to, card, points: 0, deals_at: soon, ...more })
const settled = { player: ['8h', '2c'], banker: ['Kd', 'As'], player_points: 0, banker_points: 1, winner: 'banker', player_pair: false, banker_pair: false, staked: 0, paid: 0, winners: [], next_at: '' }
const said = (t: Table): string[] => t.said.map((s) => s.text)
const of = (t: Table, side: 'player' | 'banker' = 'player'): string => t[side].map((c) => (c.up ? c.card : '?') + (c.live ? '!' : '')).join(' ')

test('a hand is dealt card by card, said card by card, and paid', async () => {
  const t = await sit(view({ since: undefined as never, dealt: 0 }))
  hear(11, 'betting.closed', { deals_at: soon, totals: [on('player', 800)] })
  totals(10, [on('player', 100)])
  expect([t.phase, t.others, t.dealsAt]).toEqual(['closed', { player: 800 }, Date.parse(soon)])
  hear(12, 'card.burned', { card: '7c', count: 7, deals_at: soon })
  expect([t.phase, t.burned, t.left]).toEqual(['dealing', { card: '7c', count: 7 }, 408])
  hear(13, 'card.dealt', card('player', '8h'))
  hear(14, 'card.dealt', card('banker', 'Kd'))
  hear(15, 'card.dealt', card('player', '2c'))
  hear(16, 'card.dealt', card('banker', 'As'))
  expect([of(t), of(t, 'banker'), t.left, t.result]).toEqual(['8h! 2c!', 'Kd! As!', 404, undefined])
  hear(17, 'round.settled', settled)
  expect(t.result).toEqual({ round: 7, winner: 'banker', player: 0, banker: 1 })
  expect([t.phase, t.results, t.shoe.length, t.dealsAt]).toEqual(['settled', [t.result], 1, undefined])
  expect(said(t)).toEqual([
    'A new shoe: its first card is the seven of clubs. 7 cards are put away.', 'Player: eight of hearts, 8 points.', 'Banker: king of diamonds, 0 points.',
    'Player: two of clubs, 0 points.', 'Banker: ace of spades, 1 point.',
  ])
  hear(18, 'round.opened', { round: 8, since: 7, commitment: 'c' })
  expect([of(t), t.burned, t.result, t.said, t.shoe.length, t.left]).toEqual(['', undefined, undefined, [], 1, 404])
})

test('who comes in the middle of a hand sees its cards, and none of them flies', async () => {
  const t = await sit(view({ phase: 'dealing', deals_at: soon, player: ['8h', '2c'], banker: ['Kd'], dealt: 33 }))
  expect([of(t), of(t, 'banker'), t.said]).toEqual(['8h 2c', 'Kd', []])
  hear(11, 'card.dealt', card('banker', 'As'))
  expect([of(t, 'banker'), said(t)]).toEqual(['Kd As!', ['Banker: ace of spades, 1 point.']])
})

test('with squeeze a card lies face down until it is turned, and is said when it is', async () => {
  const t = await sit()
  t.squeeze = true
  hear(11, 'card.dealt', card('player', '8h'))
  expect([of(t), said(t)]).toEqual(['?!', []])
  t.turn()
  expect([of(t), said(t)]).toEqual(['8h!', ['Player: eight of hearts, 8 points.']])
  t.turn()
  expect(said(t).length).toBe(1)
})

test('a card that nobody squeezes turns by itself before the next, with it, or with the result', async () => {
  const t = await sit()
  t.squeeze = true
  hear(11, 'card.dealt', card('player', '8h'))
  await vi.advanceTimersByTimeAsync(1600)
  expect(of(t)).toBe('?!')
  await vi.advanceTimersByTimeAsync(60) // 350 ms before the next
  expect(of(t)).toBe('8h!')
  hear(12, 'card.dealt', card('banker', 'Kd', { deals_at: '2026-01-01T00:00:09Z' }))
  hear(13, 'deadline.moved', { until: '2026-01-01T00:00:12Z' })
  await vi.advanceTimersByTimeAsync(8000)
  expect(of(t, 'banker')).toBe('?!')
  hear(14, 'card.dealt', card('player', '2c', { deals_at: '2026-01-01T00:00:20Z' }))
  expect([of(t, 'banker'), of(t)]).toEqual(['Kd!', '8h! ?!'])
  hear(15, 'card.dealt', card('banker', 'As', { deals_at: '2026-01-01T00:00:25Z' }))
  hear(16, 'round.settled', settled)
  expect([of(t, 'banker'), of(t), said(t).length]).toEqual(['Kd! As!', '8h! 2c!', 4])
  t.leave()
  expect(vi.getTimerCount()).toBeLessThanOrEqual(2) // the link's
})

test('a hand that is voided in the middle is swept, and the next one has a new shoe', async () => {
  const results: Result[] = [{ round: 5, winner: 'tie', player: 3, banker: 3 }, { round: 6, winner: 'banker', player: 3, banker: 4 }]
  const room = await join(view({ phase: 'dealing', player: ['8h'], banker: [], results }))
  const t = new Table(room)
  t.squeeze = true
  hear(11, 'card.dealt', card('banker', 'Kd'))
  hear(12, 'round.voided', { reason: 'a spilled drink', seed: 's', next_at: '' })
  await vi.advanceTimersByTimeAsync(5000)
  expect([t.phase, of(t), of(t, 'banker'), t.result, t.shoe.length]).toEqual(['settled', '', '', undefined, 2])
  expect([room.message, t.lastProof]).toEqual(['Round 7 is void: a spilled drink. All stakes were given back.', { round: 7, since: 5, seed: 's' }])
  hear(13, 'round.opened', { round: 8, commitment: 'd' })
  expect([t.shoe, t.results.length, t.left, t.said]).toEqual([[], 2, 416, []])
})

test('the cut card says which hand is the last', async () => {
  const t = await sit(view({ dealt: 400 }))
  hear(11, 'card.dealt', card('player', '8h'))
  hear(12, 'card.dealt', card('banker', 'Kd', { cut: true }))
  expect([t.last, said(t).at(-2)]).toEqual([false, 'The cut card is out: one more hand after this one.'])
  hear(13, 'round.settled', settled)
  hear(14, 'round.opened', { round: 8, since: 5, commitment: 'c' })
  expect(t.last).toBe(true)
  hear(15, 'round.opened', { round: 9, commitment: 'd' })
  expect(t.last).toBe(false)
  hear(16, 'card.dealt', card('player', '8h', { round: 9, cut: true }))
  expect(t.last).toBe(true)
  expect((await sit(view({ last: true }))).last).toBe(true)
  const late = await sit(view({ cut: true, phase: 'dealing' })) // who comes in after it came out
  hear(11, 'round.opened', { round: 8, since: 5, commitment: 'c' })
  expect(late.last).toBe(true)
})

test('200 results are kept, and those of the shoe are known', async () => {
  const results = Array.from({ length: 200 }, (_, i): Result => ({ round: i + 1, winner: 'player', player: 9, banker: 1 }))
  const room = await join(view({ round: 201, since: 190, phase: 'dealing', player: ['8h', '2c'], banker: ['Kd', 'As'], results }))
  const t = new Table(room)
  expect(t.shoe).toEqual(results.slice(-11))
  hear(11, 'round.settled', { ...settled, round: 201 })
  expect([t.results.length, t.results[0], t.results.at(-1)?.round, t.shoe.length]).toEqual([200, results[1], 201, 12])
  hear(12, 'round.opened', { round: 202, commitment: 'd' })
  expect(t.shoe).toEqual([])
})

test('a view of a hand that is paid has its result', async () => {
  const results: Result[] = [{ round: 7, winner: 'banker', player: 0, banker: 1 }]
  const t = await sit(view({ phase: 'settled', player: ['8h', '2c'], banker: ['Kd', 'As'], results }))
  expect([t.result, of(t)]).toEqual([results[0], '8h 2c'])
})
