// A table of a round game as its player sees it, from what a casino's socket says.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { RoomEvent } from '../client/src/index.js'
import type { RoundView, Seat, Stake } from '../client/src/round.js'
import { randomFrom, seed, Wire } from '../client/test/wire'
import type { TableRoom } from '../shared/games'
import { RoundTable } from './round.svelte'
import { begin, hear, join, mine, on, sit as sitAt, totals } from './testing'

beforeEach(begin)
afterEach(() => vi.useRealTimers())

/** A table of a game of its own: sticks are thrown, and an event of its own has the seed. */
class Table extends RoundTable<RoundView<'thrown'> & { sticks?: number }, RoomEvent> {
  sticks: number | undefined
  own: string[] = []

  constructor(room: TableRoom) {
    super(room)
    this.listen()
  }

  protected override show(view: { sticks?: number }): void {
    this.sticks = view.sticks
  }

  protected override heard(e: RoomEvent): void {
    this.own.push(`${e.type} ${this.phase}`)
    if (e.type !== 'sticks.thrown') return
    this.phase = 'thrown'
    const { round, seed, totals } = e.data as { round: number; seed: string; totals: Stake[] }
    this.reveal(round, seed)
    this.summed(round, totals, e.seq)
  }
}

const bob: Seat = { seat: 1, name: 'bo***', staked: 300 }

/** A view of round 7 at seq 10. */
const view = (more: Partial<RoundView<'thrown'> & { sticks: number }> = {}): RoundView<string> => ({
  game: 'senet', phase: 'betting', round: 7, commitment: 'c', seats: [], totals: [], mine: { staked: 0, bets: [] }, settings: { min_bet: 100 }, ...more,
})
const sit = (v = view()): Promise<Table> => sitAt(Table, v)
const names = (t: Table): string[] => t.seats.map((s) => `${s.name} ${s.staked}`)

test("a game's own view and events come after what all games do with them", async () => {
  const t = await sit(view({ sticks: 3, totals: [on('red', 300)] }))
  expect([t.sticks, t.settings, t.commitment]).toEqual([3, { min_bet: 100 }, 'c'])
  hear(11, 'bet.placed', mine(on('red', 500)))
  hear(12, 'sticks.thrown', { seed: 's', totals: [on('red', 800), on('odd', 900)] })
  totals(11, [on('red', 800)])
  expect([t.phase, t.told, t.seed, t.lastProof, t.others]).toEqual(['thrown', false, undefined, undefined, { red: 300, odd: 900 }]) // it still comes about
  hear(13, 'round.settled', { staked: 1700, paid: 0, winners: [], next_at: '', mine: { staked: 500, payout: 0, bets: [] } })
  expect([t.own, t.outcome]).toEqual([['bet.placed betting', 'sticks.thrown betting', 'round.settled settled'], { round: 7, staked: 500, payout: 0 }])
  expect([t.canRebet, t.open, t.seed, t.lastProof]).toEqual([false, false, 's', { round: 7, since: 7, seed: 's' }])
  hear(14, 'round.opened', { round: 8, commitment: 'd' })
  expect([t.phase, t.round, t.commitment, t.seed, t.outcome, t.mine, t.canRebet, t.lastProof]).toEqual(['betting', 8, 'd', undefined, undefined, {}, true, { round: 7, since: 7, seed: 's' }])
  void t.rebet()
  expect(Wire.last.of('room.command').map((m) => m.params.command)).toEqual([{ type: 'bet', round: 8, bets: [on('red', 500)] }])
})

test('a seed that serves several rounds is shown when the last of them is over, with the rounds that it decided', async () => {
  const t = await sit(view({ since: 5 }))
  expect([t.since, t.seed, t.lastProof]).toEqual([5, undefined, undefined])
  hear(11, 'round.settled', { staked: 0, paid: 0, winners: [], next_at: '' })
  hear(12, 'round.opened', { round: 8, since: 5, commitment: 'c' })
  expect([t.since, t.seed, t.lastProof]).toEqual([5, undefined, undefined])
  hear(13, 'round.settled', { round: 8, staked: 0, paid: 0, winners: [], next_at: '' })
  hear(14, 'seed.revealed', { round: 8, since: 5, commitment: 'c', seed: 's' })
  expect([t.seed, t.lastProof]).toEqual(['s', { round: 8, since: 5, seed: 's' }])
  hear(15, 'round.opened', { round: 9, commitment: 'd' })
  expect([t.since, t.seed, t.lastProof]).toEqual([undefined, undefined, { round: 8, since: 5, seed: 's' }])
  hear(16, 'seed.revealed', { round: 9, commitment: 'd', seed: 'u' })
  expect(t.lastProof).toEqual({ round: 9, since: 9, seed: 'u' })
})

test('a void round tells the seed of the rounds before it too, and so does a view', async () => {
  const t = await sit(view({ since: 5 }))
  hear(11, 'round.voided', { reason: 'x', seed: 's', next_at: '' })
  expect(t.lastProof).toEqual({ round: 7, since: 5, seed: 's' })
  expect((await sit(view({ phase: 'settled', since: 6, seed: 'u' }))).lastProof).toEqual({ round: 7, since: 6, seed: 'u' })
})

test('bets are open until the clock ends, and a clock that moved moves it', async () => {
  const t = await sit()
  expect(t.open).toBe(true)
  hear(11, 'betting.started', { closes_at: new Date(Date.now() + 5000).toISOString() })
  await vi.advanceTimersByTimeAsync(4000)
  expect(t.open).toBe(true)
  hear(12, 'deadline.moved', { until: new Date(Date.now() + 9000).toISOString() })
  for (let i = 0; i < 2; i++) {
    await vi.advanceTimersByTimeAsync(4000)
    Wire.last.push('session.heartbeat', {})
  }
  expect(t.open).toBe(true)
  await vi.advanceTimersByTimeAsync(2000)
  expect(t.open).toBe(false)
  hear(13, 'room.closing', {})
  hear(14, 'room.closed', {})
  expect([t.closing, t.phase]).toEqual([true, 'ended'])
})

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
  test(`${type} empties the table, and totals from before it do not come back`, async () => {
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
  const room = await join(view())
  const t = new Table(room)
  const sent = (): object[] => Wire.last.of('room.command').map((m) => m.params.command as object)
  void t.place([on('red', 100)])
  await Wire.last.refuse('room.command', 'busy')
  hear(11, 'round.opened', { round: 8, commitment: 'd' })
  await vi.advanceTimersByTimeAsync(3000)
  const bet = { type: 'bet', round: 7, bets: [on('red', 100)] }
  expect(sent()).toEqual([bet, bet])
  expect([t.pending, t.unknown]).toEqual([{}, { red: 100 }])
  await Wire.last.refuse('room.command', 'betting_closed')
  expect([t.unknown, room.message]).toEqual([{}, 'Round 7: your bet of 1.00 did not count. No more bets in this round.'])
  void t.undo()
  void t.clear()
  expect(sent().slice(2)).toEqual([{ type: 'undo', round: 8 }, { type: 'clear', round: 8 }])
})

test(`with random bets of three players, the table shows at every total what the others have on it (SEED=${seed})`, async () => {
  console.log(`SEED=${seed}`)
  const next = randomFrom(seed)
  const random = (n: number): number => Math.floor(next() * n)
  const t = await sit()
  const table: Record<string, number>[] = [{}, {}, {}] // ours, and two others'
  const sums = (players: Record<string, number>[]): Stake[] => {
    const all: Record<string, number> = {}
    for (const p of players) for (const [k, v] of Object.entries(p)) all[k] = (all[k] ?? 0) + v
    return Object.entries(all).map(([position, amount]) => on(position, amount))
  }
  const byPosition = (list: Stake[]): Record<string, number> => Object.fromEntries(list.map((s) => [s.position, s.amount]))
  let shown: Record<string, number> = {}
  for (let seq = 11; seq < 600; seq++) {
    const who = random(3)
    const has = table[who]!
    const clear = random(4) === 0 && Object.keys(has).length > 0
    const bets = clear ? Object.entries(has).map(([p, a]) => on(p, a)) : [on(['red', 'odd', 'even'][random(3)]!, 100 * (1 + random(5)))]
    if (clear) table[who] = {}
    else has[bets[0]!.position] = (has[bets[0]!.position] ?? 0) + bets[0]!.amount
    const early = random(2) === 0
    const now = random(3) === 0 ? sums(table) : undefined
    if (now && early) totals(seq, now) // overtakes its event
    const sum = bets.reduce((n, b) => n + b.amount, 0)
    hear(seq, clear ? 'bet.removed' : 'bet.placed', who === 0 ? mine(...bets) : { seat: who + 2, sum })
    if (now && !early) totals(seq, now)
    if (now) shown = byPosition(sums(table.slice(1)))
    expect([seq, t.others, t.mine]).toEqual([seq, shown, table[0]])
  }
})

test('what a round brought while nobody looked is asked for on return, once', async () => {
  const kept = new Map<string, string>()
  vi.stubGlobal('localStorage', { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value) })
  await sit()
  hear(11, 'bet.placed', mine(on('red', 500)))
  expect([...kept.values()]).toEqual(['7'])
  const back = await join(view({ round: 9 })) // the page is another
  const t = new Table(back)
  const round = { room: 'r', game: 'senet', round: 7, state: 'settled', staked: 500, payout: 1000, refund: 0, net: 500, currency: 'EUR' }
  await Wire.last.answer('history.rounds', { rounds: [{ ...round, round: 8 }, round, { ...round, room: 'other' }] })
  await vi.advanceTimersByTimeAsync(0)
  expect(back.missed).toEqual({ round: 7, state: 'settled', staked: 500, payout: 1000 })
  hear(11, 'round.settled', { round: 9, staked: 0, paid: 0, winners: [], next_at: '' })
  expect([back.missed, [...kept.values()]]).toEqual([undefined, ['']])
  t.leave()
  const again = await join(view({ round: 10 }))
  new Table(again)
  await vi.advanceTimersByTimeAsync(0)
  expect(Wire.last.of('history.rounds')).toEqual([])
  vi.unstubAllGlobals()
})

test('an outcome that is told at once with the rounds after it was not seen: it is asked for', async () => {
  const kept = new Map<string, string>()
  vi.stubGlobal('localStorage', { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value) })
  const room = await join(view())
  new Table(room)
  hear(11, 'bet.placed', mine(on('red', 500)))
  hear(12, 'round.settled', { staked: 500, paid: 1000, winners: [], next_at: '', mine: { staked: 500, payout: 1000, bets: [] } }, '2026-01-01T00:00:10Z')
  hear(13, 'round.opened', { round: 8, commitment: 'd' }, '2026-01-01T00:00:14Z')
  hear(14, 'round.settled', { round: 8, staked: 0, paid: 0, winners: [], next_at: '' })
  hear(15, 'round.opened', { round: 9, commitment: 'e' })
  const round = { room: 'r', game: 'senet', round: 7, state: 'settled', staked: 500, payout: 1000, refund: 0, net: 500, currency: 'EUR' }
  await Wire.last.answer('history.rounds', { rounds: [round] })
  await vi.advanceTimersByTimeAsync(0)
  expect(room.missed).toEqual({ round: 7, state: 'settled', staked: 500, payout: 1000 })
  hear(16, 'bet.placed', { ...mine(on('red', 500)), round: 9 })
  hear(17, 'round.settled', { round: 9, staked: 500, paid: 0, winners: [], next_at: '', mine: { staked: 500, payout: 0, bets: [] } }, '2026-01-01T00:00:40Z')
  await vi.advanceTimersByTimeAsync(4000)
  hear(18, 'round.opened', { round: 10, commitment: 'f' }, '2026-01-01T00:00:44Z')
  hear(19, 'bet.placed', { ...mine(on('red', 500)), round: 10 })
  hear(20, 'round.settled', { round: 10, staked: 500, paid: 0, winners: [], next_at: '', mine: { staked: 500, payout: 0, bets: [] } }, '2026-01-01T00:00:50Z')
  hear(21, 'round.opened', { round: 11, commitment: 'g' }, '2026-01-01T00:00:50Z') // this table waits for nobody
  expect([room.missed, Wire.last.of('history.rounds').length, [...kept.values()]]).toEqual([undefined, 1, ['']])
  vi.unstubAllGlobals()
})

test('what is said of a refused bet goes with its round; what is said of a void round stays', async () => {
  const room = await join(view())
  const t = new Table(room)
  void t.place([on('red', 500)])
  await Wire.last.refuse('room.command', 'insufficient_funds')
  expect(room.message).toBe('Your balance does not cover this bet.')
  hear(11, 'round.opened', { round: 8, commitment: 'd' })
  expect(room.message).toBe('')
  hear(12, 'round.voided', { round: 8, reason: 'a card fell', next_at: '' })
  hear(13, 'round.opened', { round: 9, commitment: 'e' })
  expect(room.message).toMatch(/a card fell/)
})

test('the bets of the round before can be given again also after a view of a later one', async () => {
  const t = await sit()
  hear(11, 'bet.placed', mine(on('red', 500)))
  Wire.last.push('room.resync', { room: 'r', epoch: 1, seq: 30, view: view({ round: 9 }) })
  expect([t.mine, t.canRebet]).toEqual([{}, true])
})

test('a round that was seen to its end is not missed', async () => {
  const kept = new Map<string, string>()
  vi.stubGlobal('localStorage', { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value) })
  for (const [type, data] of [['round.settled', { staked: 500, paid: 0, winners: [], next_at: '' }], ['round.voided', { reason: 'x', next_at: '' }]] as const) {
    await sit()
    hear(11, 'bet.placed', mine(on('red', 500)))
    hear(12, type, data)
    expect([...kept.values()]).toEqual([''])
  }
  await sit()
  hear(11, 'bet.placed', mine(on('red', 500)))
  hear(12, 'bet.removed', mine(on('red', 500)))
  expect([...kept.values()]).toEqual([''])
  vi.unstubAllGlobals()
})

test('bets of the round before are given again once, also if the answer takes its time', async () => {
  const t = await sit()
  hear(11, 'bet.placed', mine(on('red', 500)))
  hear(12, 'round.settled', { staked: 500, paid: 0, winners: [], next_at: '', mine: { staked: 500, payout: 0, bets: [] } })
  hear(13, 'round.opened', { round: 8, commitment: 'd' })
  void t.rebet()
  expect(t.canRebet).toBe(false)
  void t.rebet()
  expect(Wire.last.of('room.command').length).toBe(1)
})
