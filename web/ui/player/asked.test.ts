// Bets that nobody answers while they could still be placed: what the table says of them, and when.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { RoomEvent } from '../client/src/index.js'
import type { RoundView } from '../client/src/round.js'
import { welcome, Wire } from '../client/test/wire'
import type { TableRoom } from '../shared/games'
import type { JoinedRoom } from './joined.svelte'
import { RoundTable } from './round.svelte'
import { begin, hear, join, mine, on } from './testing'

beforeEach(begin)
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

class Table extends RoundTable<RoundView<string>, RoomEvent> {
  constructor(room: TableRoom) {
    super(room)
    this.listen()
  }
}

const view = (more: Partial<RoundView<string>> = {}): RoundView<string> => ({
  game: 'senet', phase: 'betting', round: 7, seats: [], totals: [], mine: { staked: 0, bets: [] }, settings: {}, ...more,
})

/** Sits down at a table whose round 7 takes bets for three more seconds. */
async function sit(): Promise<{ room: JoinedRoom; t: Table }> {
  const room = await join(view({ closes_at: new Date(Date.now() + 3_000).toISOString() }))
  return { room, t: new Table(room) }
}

const accept = (seq = 11): Promise<void> => Wire.last.answer('room.command', { accepted: true, epoch: 1, seq, balance: 5 })
const open = (seq: number, round = 8): void => hear(seq, 'round.opened', { round, commitment: 'd' })

test('at the deadline of its round a bet is not known yet, and stays so until there is an answer', async () => {
  const { room, t } = await sit()
  void t.place([on('red', 300)])
  await vi.advanceTimersByTimeAsync(2_999)
  expect([t.pending, t.unknown, t.doubt]).toEqual([{ red: 300 }, {}, ''])
  await vi.advanceTimersByTimeAsync(1)
  expect([t.pending, t.unknown, t.mine, t.doubt]).toEqual([{}, { red: 300 }, {}, 'Not known yet whether this bet counts.'])
  await vi.advanceTimersByTimeAsync(20_000)
  expect([t.unknown, room.silent, room.message]).toEqual([{ red: 300 }, true, ''])
  await Wire.last.refuse('room.command', 'betting_closed')
  expect([t.unknown, t.mine, t.doubt, room.message]).toEqual([{}, {}, '', 'Round 7: your bet of 3.00 did not count. No more bets in this round.'])
  expect(Wire.last.of('room.command').length).toBe(1)
})

test('a deadline that moved moves it', async () => {
  const { t } = await sit()
  void t.place([on('red', 300)])
  hear(11, 'deadline.moved', { until: new Date(Date.now() + 9_000).toISOString() })
  await vi.advanceTimersByTimeAsync(8_999)
  expect(t.unknown).toEqual({})
  await vi.advanceTimersByTimeAsync(1)
  expect(t.unknown).toEqual({ red: 300 })
})

test('a bet that counts is told by the events, and is not shown twice', async () => {
  const { room, t } = await sit()
  void t.place([on('red', 300)])
  await vi.advanceTimersByTimeAsync(3_000)
  hear(11, 'bet.placed', mine(on('red', 300)))
  await accept()
  expect([t.unknown, t.mine, t.doubt, room.message]).toEqual([{}, { red: 300 }, '', ''])
})

test('when the answer comes in a later round, it is said what came of the bets', async () => {
  const { room, t } = await sit()
  void t.place([on('red', 300)])
  void t.place([on('odd', 200)])
  void t.undo()
  const asked = Wire.last.of('room.command').map((m) => m.id)
  hear(11, 'round.settled', { staked: 0, paid: 0, winners: [], next_at: '' })
  expect([t.unknown, t.doubt]).toEqual([{ red: 300, odd: 200 }, 'Not known yet whether these bets count. Not known yet whether your bets were taken back.'])
  open(12)
  expect(t.unknown).toEqual({ red: 300, odd: 200 })
  const reply = async (i: number, body: object): Promise<unknown> => {
    Wire.last.onmessage?.({ data: JSON.stringify({ jsonrpc: '2.0', id: asked[i], ...body }) } as never)
    return vi.advanceTimersByTimeAsync(0)
  }
  await reply(0, { result: { accepted: true, epoch: 1, seq: 10, balance: 5 } })
  expect([t.unknown, t.mine, room.message]).toEqual([{ odd: 200 }, {}, 'Round 7: your bet of 3.00 counted.'])
  await reply(1, { error: { code: -32000, message: '', data: { code: 'insufficient_funds' } } })
  expect(room.message).toBe('Round 7: your bet of 3.00 counted. Round 7: your bet of 2.00 did not count. Your balance does not cover this bet.')
  await reply(2, { error: { code: -32000, message: '', data: { code: 'betting_closed' } } })
  expect(room.message).toBe('Round 7: your bet of 3.00 counted. Round 7: your bet of 2.00 did not count. Round 7: your bets were not taken back. No more bets in this round.')
  expect(t.doubt).toBe('')
})

test('a round that was void stays so, whatever counted in it', async () => {
  const { room, t } = await sit()
  void t.place([on('red', 300)])
  hear(11, 'round.voided', { reason: 'x', next_at: '' })
  open(12)
  await accept(10)
  expect([t.unknown, room.message]).toEqual([{}, 'Round 7 is void: x. All stakes were given back.'])
})

test('over the next socket the bet is asked about under its own id, while the view says what counted', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0) // a socket every 10 s, of which none opens
  const { room, t } = await sit()
  void t.place([on('red', 300)])
  await vi.advanceTimersByTimeAsync(3_000)
  const first = Wire.last
  first.end(1006)
  expect([room.connected, room.silent, t.open, t.unknown]).toEqual([false, false, false, { red: 300 }])
  await vi.advanceTimersByTimeAsync(121_000) // much longer than a page would wait for anything else
  expect(t.unknown).toEqual({ red: 300 })
  Wire.last.open().push('session.welcome', welcome)
  await Wire.last.answer('room.join', { epoch: 2, seq: 40, view: view({ round: 9 }) })
  expect(t.unknown).toEqual({ red: 300 })
  expect(Wire.last.of('room.command').map((m) => m.params)).toEqual(first.of('room.command').map((m) => m.params))
  await accept(11)
  expect([t.unknown, t.mine, room.message]).toEqual([{}, {}, 'Round 7: your bet of 3.00 counted.'])
})

test('undo and clear that are not answered are not known either', async () => {
  const { room, t } = await sit()
  void t.clear()
  await vi.advanceTimersByTimeAsync(3_000)
  expect([t.unknown, t.doubt]).toEqual([{}, 'Not known yet whether your bets were taken back.'])
  await Wire.last.refuse('room.command', 'betting_closed')
  expect([t.doubt, room.message]).toEqual(['', 'Round 7: your bets were not taken back. No more bets in this round.'])
})

test('a bet of a line that ended for good is neither said to count nor to be refused', async () => {
  const { room, t } = await sit()
  void t.place([on('red', 300)])
  await vi.advanceTimersByTimeAsync(3_000)
  Wire.last.end(4500)
  await vi.advanceTimersByTimeAsync(0)
  expect(room.message).toBe('The connection was lost.')
})

test('a silence locks the board until a frame comes', async () => {
  const { room, t } = await sit()
  hear(11, 'deadline.moved', { until: new Date(Date.now() + 60_000).toISOString() })
  expect([room.connected, t.open]).toEqual([true, true])
  await vi.advanceTimersByTimeAsync(4_500)
  expect([room.connected, room.silent, t.open]).toEqual([false, true, false])
  Wire.last.push('room.beat', { room: 'r', epoch: 1, seq: 11 })
  expect([room.connected, room.silent, t.open]).toEqual([true, false, true])
})

test('a table that is left keeps no timer', async () => {
  const { t } = await sit()
  void t.place([on('red', 300)])
  await vi.advanceTimersByTimeAsync(0)
  const before = vi.getTimerCount()
  t.leave()
  expect(vi.getTimerCount()).toBe(before - 1)
  await vi.advanceTimersByTimeAsync(3_000)
  expect(t.unknown).toEqual({})
})

test('a first bet, which starts the clock, is not known while nobody answers: the clock may run where it is not seen', async () => {
  const room = await join(view())
  const t = new Table(room)
  void t.place([on('red', 300)])
  await vi.advanceTimersByTimeAsync(2_000)
  expect([t.pending, t.unknown, t.doubt]).toEqual([{ red: 300 }, {}, ''])
  await vi.advanceTimersByTimeAsync(3_000)
  expect([room.silent, t.pending, t.unknown, t.doubt]).toEqual([true, {}, { red: 300 }, 'Not known yet whether this bet counts.'])
  Wire.last.push('session.heartbeat', {})
  await vi.advanceTimersByTimeAsync(0)
  expect([room.silent, t.pending, t.unknown, t.doubt]).toEqual([false, { red: 300 }, {}, ''])
  hear(11, 'bet.placed', mine(on('red', 300)))
  await accept()
  expect([t.pending, t.unknown, t.mine]).toEqual([{}, {}, { red: 300 }])
})
