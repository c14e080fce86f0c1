// A table as its player sees it, from what a casino's socket says.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { line, randomFrom, seed, settle, welcome, Wire } from '../../client/test/wire'
import { JoinedRoom } from '../../player/joined.svelte'
import type { Session } from '../../player/session.svelte'
import { Table } from './state.svelte'
import type { Seat, Stake, View } from './types'

beforeEach(() => {
  Wire.all = []
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
})
afterEach(() => vi.useRealTimers())

const on = (position: string, amount: number): Stake => ({ position, amount })
const bob: Seat = { seat: 1, name: 'bo***', staked: 300 }

/** A view of round 7 at seq 10. */
const view = (more: Partial<View> = {}): View => ({
  game: 'roulette', phase: 'betting', round: 7, commitment: 'c', seats: [], totals: [], mine: { staked: 0, bets: [] }, results: [],
  settings: { min_bet: 100, max_bet: 100_000, round_min: 100, round_max: 1e6, betting_ms: 15_000, close_ms: 1000, spin_ms: 6000, pause_ms: 4000, la_partage: false },
  ...more,
})

async function join(v: View = view()): Promise<JoinedRoom> {
  const session = { line: line(), remembered: {} } as unknown as Session
  await settle()
  Wire.last.open().push('session.welcome', welcome)
  const room = new JoinedRoom(session, 'r')
  await Wire.last.answer('room.join', { epoch: 1, seq: 10, view: v })
  await vi.advanceTimersByTimeAsync(0)
  return room
}

async function sit(v?: View): Promise<Table> {
  const table = new Table(await join(v))
  await vi.advanceTimersByTimeAsync(0)
  return table
}

function hear(seq: number, type: string, data: object): void {
  Wire.last.push('room.event', { room: 'r', epoch: 1, seq, at: '', type, data: { round: 7, ...data } })
}
const mine = (...bets: Stake[]): object => ({ seat: 2, name: 'al***', sum: bets.reduce((n, b) => n + b.amount, 0), bets, mine: true })
const totals = (seq: number, list: Stake[], round = 7): Wire => Wire.last.push('room.totals', { room: 'r', epoch: 1, seq, data: { round, totals: list } })
const names = (t: Table): string[] => t.seats.map((s) => `${s.name} ${s.staked}`)

test("others' chips are the totals without one's own", async () => {
  const t = await sit(view({ seats: [bob, { seat: 2, name: 'al***', staked: 100 }], totals: [on('red', 300), on('odd', 100)], mine: { seat: 2, staked: 100, bets: [on('red', 100)] } }))
  expect([t.others, t.mine]).toEqual([{ red: 200, odd: 100 }, { red: 100 }])
  expect(names(t)).toEqual(['bo*** 300'])
})

test("one's own bet moves nothing of the others', before and after the totals have it", async () => {
  const t = await sit(view({ seats: [bob], totals: [on('red', 300)] }))
  hear(11, 'bet.placed', mine(on('red', 500), on('odd', 100)))
  expect([t.others, t.mine]).toEqual([{ red: 300 }, { red: 500, odd: 100 }])
  totals(10, [on('red', 300)])
  expect(t.others).toEqual({ red: 300 })
  totals(11, [on('red', 800), on('odd', 100)])
  expect(t.others).toEqual({ red: 300 })
  hear(12, 'bet.removed', mine(on('red', 500), on('odd', 100)))
  expect([t.others, t.mine]).toEqual([{ red: 300 }, {}])
  totals(12, [on('red', 300)])
  expect(t.others).toEqual({ red: 300 })
  totals(13, [on('red', 300), on('black', 400)]) // ahead of its events
  expect(t.others).toEqual({ red: 300 })
  hear(13, 'bet.placed', { seat: 3, name: 'ca***', sum: 400 })
  expect(t.others).toEqual({ red: 300, black: 400 })
})

test('seats are known by the name of their first bet, and go when they have nothing on the table', async () => {
  const t = await sit(view({ seats: [bob] }))
  hear(11, 'bet.placed', { seat: 3, name: 'ca***', sum: 400 })
  hear(12, 'bet.placed', { seat: 3, sum: 100 })
  hear(13, 'bet.placed', { seat: 1, sum: 50 })
  hear(14, 'bet.placed', { seat: 4, sum: 20 }) // its name was not heard
  await vi.advanceTimersByTimeAsync(500)
  expect(names(t)).toEqual(['ca*** 500', 'bo*** 350', 'Seat 4 20'])
  hear(15, 'bet.removed', { seat: 3, sum: 500 })
  await vi.advanceTimersByTimeAsync(500)
  hear(16, 'bet.placed', { seat: 3, sum: 700 })
  expect(names(t)).toEqual(['bo*** 350', 'Seat 4 20'])
  await vi.advanceTimersByTimeAsync(500)
  expect(names(t)).toEqual(['ca*** 700', 'bo*** 350', 'Seat 4 20'])
})

test('the list of seats is written anew twice a second, however many bet', async () => {
  const t = await sit()
  const lists = new Set<Seat[]>()
  for (let i = 0; i < 200; i++) {
    hear(11 + i, 'bet.placed', { seat: 1 + (i % 50), name: `p${i % 50}***`, sum: 100 })
    await vi.advanceTimersByTimeAsync(10)
    lists.add(t.seats)
  }
  expect(lists.size).toBeLessThanOrEqual(6) // of 2 s
  await vi.advanceTimersByTimeAsync(500)
  expect(t.seats.map((s) => s.staked)).toEqual(Array.from({ length: 50 }, () => 400))
  t.leave()
  expect(vi.getTimerCount()).toBeLessThanOrEqual(2) // the link's
})

for (const [type, data] of [['round.opened', { round: 8, commitment: 'd' }], ['round.voided', { reason: 'x', next_at: '' }], ['betting.stopped', {}]] as const) {
  test(`${type} empties the felt, and totals from before it do not come back`, async () => {
    const t = await sit(view({ seats: [bob], totals: [on('red', 300)], mine: { seat: 2, staked: 100, bets: [on('red', 100)] } }))
    hear(11, 'bet.placed', { seat: 1, sum: 100 })
    hear(12, type, data)
    totals(11, [on('red', 400)])
    expect([t.others, t.mine, t.seats]).toEqual([{}, {}, []])
    await vi.advanceTimersByTimeAsync(1000)
    expect(t.seats).toEqual([])
    totals(12, [on('red', 400)], 6) // of no round that is shown
    expect(t.others).toEqual({})
  })
}

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

test('after a gap, and after a resync, the chips are right again', async () => {
  const t = await sit(view({ totals: [on('red', 300)] }))
  hear(14, 'bet.placed', { seat: 1, sum: 100 })
  const event = (seq: number, data: object): object => ({ room: 'r', epoch: 1, seq, at: '', type: 'bet.placed', data: { round: 7, ...data } })
  await Wire.last.answer('room.join', {
    epoch: 1, seq: 14, totals: { round: 7, totals: [on('red', 400), on('odd', 200)] },
    events: [event(11, mine(on('odd', 100))), event(12, { seat: 3, sum: 100 }), event(13, mine(on('odd', 100))), event(14, { seat: 1, sum: 100 })],
  })
  expect([t.others, t.mine]).toEqual([{ red: 400 }, { odd: 200 }])
  Wire.last.push('room.resync', { room: 'r', epoch: 1, seq: 50, view: view({ round: 8, seats: [bob], totals: [on('red', 300)] }) })
  await vi.advanceTimersByTimeAsync(500)
  expect([t.round, t.others, t.mine, names(t)]).toEqual([8, { red: 300 }, {}, ['bo*** 300']])
})

test('every command names the round that the player saw, also when it is sent again in the next', async () => {
  const room = await join()
  const t = new Table(room)
  const sent = (): object[] => Wire.last.of('room.command').map((m) => m.params.command as object)
  void t.place([on('red', 100)])
  await Wire.last.refuse('room.command', 'busy')
  hear(11, 'round.opened', { round: 8, commitment: 'd' })
  await vi.advanceTimersByTimeAsync(3000)
  const bet = { type: 'bet', round: 7, bets: [on('red', 100)] }
  expect(sent()).toEqual([bet, bet])
  expect(t.pending).toEqual({ red: 100 })
  await Wire.last.refuse('room.command', 'betting_closed')
  expect([t.pending, room.message]).toEqual([{}, 'No more bets in this round.'])
  void t.undo()
  void t.clear()
  expect(sent().slice(2)).toEqual([{ type: 'undo', round: 8 }, { type: 'clear', round: 8 }])
})

test(`with random bets of three players, the felt shows at every total what the others have on it (SEED=${seed})`, async () => {
  console.log(`SEED=${seed}`)
  const next = randomFrom(seed)
  const random = (n: number): number => Math.floor(next() * n)
  const t = await sit()
  const felt: Record<string, number>[] = [{}, {}, {}] // ours, and two others'
  const sums = (players: Record<string, number>[]): Stake[] => {
    const all: Record<string, number> = {}
    for (const p of players) for (const [k, v] of Object.entries(p)) all[k] = (all[k] ?? 0) + v
    return Object.entries(all).map(([position, amount]) => on(position, amount))
  }
  const asFelt = (list: Stake[]): Record<string, number> => Object.fromEntries(list.map((s) => [s.position, s.amount]))
  let shown: Record<string, number> = {}
  for (let seq = 11; seq < 600; seq++) {
    const who = random(3)
    const has = felt[who]!
    const clear = random(4) === 0 && Object.keys(has).length > 0
    const bets = clear ? Object.entries(has).map(([p, a]) => on(p, a)) : [on(['red', 'odd', 'straight:17'][random(3)]!, 100 * (1 + random(5)))]
    if (clear) felt[who] = {}
    else has[bets[0]!.position] = (has[bets[0]!.position] ?? 0) + bets[0]!.amount
    const early = random(2) === 0
    const now = random(3) === 0 ? sums(felt) : undefined
    if (now && early) totals(seq, now) // overtakes its event
    const sum = bets.reduce((n, b) => n + b.amount, 0)
    hear(seq, clear ? 'bet.removed' : 'bet.placed', who === 0 ? mine(...bets) : { seat: who + 2, sum })
    if (now && !early) totals(seq, now)
    if (now) shown = asFelt(sums(felt.slice(1)))
    expect([seq, t.others, t.mine]).toEqual([seq, shown, felt[0]])
  }
})
