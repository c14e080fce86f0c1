// A network from which nothing comes any more, and nothing closes.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Pitboss, type PitbossError, type RoomEvent } from '../src/index.js'
import { line, settle, welcome, Wire } from './wire.js'

beforeEach(() => {
  Wire.all = []
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

const later = (ms: number): string => new Date(Date.now() + ms).toISOString()
const pings = (): number => Wire.last.of('ping').length
const pong = (): Promise<void> => Wire.last.answer('ping', { time: new Date().toISOString() })
const hear = (seq: number, type: string, data: object): RoomEvent => ({ room: 'r', epoch: 1, seq, at: later(0), type, data })

/** Sits down at a room, whose first ping is answered, and tells what is said of silence. */
async function sit(view: object): Promise<{ p: Pitboss; said: boolean[]; room: ReturnType<Pitboss['join']> }> {
  const p = line()
  const said: boolean[] = []
  p.on('silent', (s) => said.push(s))
  await settle()
  Wire.last.open().push('session.welcome', welcome)
  await pong()
  const room = p.join('r', {})
  await Wire.last.answer('room.join', { epoch: 1, seq: 10, view })
  return { p, said, room }
}

test('2 s of silence at an open board are pinged into, and 2.5 s later there is no answer, until a frame comes', async () => {
  const { p, said } = await sit({ phase: 'betting' })
  await vi.advanceTimersByTimeAsync(1_999)
  expect(pings()).toBe(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(pings()).toBe(2)
  await vi.advanceTimersByTimeAsync(2_499)
  expect(p.silent).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expect([p.silent, said, p.state.is]).toEqual([true, [true], 'open'])
  Wire.last.push('room.beat', { room: 'r', epoch: 1, seq: 10 })
  expect([p.silent, said]).toEqual([false, [true, false]])
  await vi.advanceTimersByTimeAsync(4_500)
  expect(said).toEqual([true, false, true])
})

test('an answer to the ping is a sign of life, and there is never more than one ping in 2 s', async () => {
  const { said } = await sit({ phase: 'betting' })
  const at: number[] = []
  for (let ms = 0; ms < 60_000; ms += 50) {
    const before = pings()
    await vi.advanceTimersByTimeAsync(50)
    if (pings() === before) continue
    at.push(Date.now())
    await pong()
  }
  expect(said).toEqual([])
  expect(at.length).toBeGreaterThan(25)
  expect(Math.min(...at.slice(1).map((t, i) => t - at[i]!))).toBeGreaterThanOrEqual(2_000)
})

test('a silence is pinged into once', async () => {
  await sit({ phase: 'betting' })
  await vi.advanceTimersByTimeAsync(6_900)
  expect(pings()).toBe(2)
  await vi.advanceTimersByTimeAsync(1_100) // the next is the usual one, 5 s after the last
  expect(pings()).toBe(3)
})

for (const [what, view] of [['no round takes bets', { phase: 'settled' }], ['the room is of another kind', { moves: [] }], ['the time to bet is over', { phase: 'betting', closes_at: '2025-12-31T23:59:59Z' }]] as const) {
  test(`while ${what} it pings no more often than ever, and notices with the usual ping`, async () => {
    const { p } = await sit(view)
    await vi.advanceTimersByTimeAsync(4_900)
    expect(pings()).toBe(1)
    await vi.advanceTimersByTimeAsync(1_100)
    expect([pings(), p.silent]).toEqual([2, false])
    await vi.advanceTimersByTimeAsync(2_500)
    expect([pings(), p.silent]).toEqual([2, true])
  })
}

test("a board opens and closes with the round's events, and by its clock", async () => {
  await sit({ phase: 'settled' })
  const quiet = async (): Promise<number> => { // how many pings 3 s of silence bring
    await pong()
    Wire.last.push('session.heartbeat', {})
    const before = pings()
    await vi.advanceTimersByTimeAsync(3_000)
    return pings() - before
  }
  let seq = 10
  const tell = (type: string, data: object): unknown => Wire.last.push('room.event', hear(++seq, type, { round: 8, ...data }))
  await vi.advanceTimersByTimeAsync(5_000)
  expect(await quiet()).toBe(0)
  tell('round.opened', { commitment: 'c' })
  expect(await quiet()).toBe(1)
  tell('betting.started', { closes_at: later(1_500) })
  expect(await quiet()).toBe(0)
  tell('round.settled', {})
  tell('round.opened', { commitment: 'd' })
  tell('betting.started', { closes_at: later(100) })
  tell('deadline.moved', { until: later(9_000) })
  expect(await quiet()).toBe(1)
  tell('betting.stopped', {})
  expect(await quiet()).toBe(1)
  tell('round.voided', {})
  tell('deadline.moved', { until: later(9_000) })
  Wire.last.push('room.resync', { room: 'r', epoch: 1, seq: 50, view: { phase: 'betting', closes_at: later(9_000) } })
  expect(await quiet()).toBe(1)
})

test('the silence ends with its socket, which is given up as ever, and what was not answered is asked again once', async () => {
  const { p, said, room } = await sit({ phase: 'betting' })
  const answer = room.command({ type: 'bet' })
  const first = Wire.last
  await vi.advanceTimersByTimeAsync(29_000)
  expect([p.silent, first.of('room.command').length]).toEqual([true, 1])
  await vi.advanceTimersByTimeAsync(5_000)
  expect([said, p.silent, Wire.last === first]).toEqual([[true, false], false, false])
  Wire.last.open().push('session.welcome', welcome)
  await Wire.last.answer('room.join', { epoch: 1, seq: 10 })
  expect(Wire.last.of('room.command').map((m) => m.params)).toEqual(first.of('room.command').map((m) => m.params))
  await Wire.last.answer('room.command', { accepted: true, epoch: 1, seq: 11, balance: 5 })
  expect((await answer).balance).toBe(5)
})

test('a bet into a silence is sent once, and its answer comes when the network does', async () => {
  const { p, room } = await sit({ phase: 'betting' })
  await vi.advanceTimersByTimeAsync(5_000)
  const answer = room.command({ type: 'bet' }).catch((e: PitbossError) => e.code)
  await vi.advanceTimersByTimeAsync(10_000)
  expect([p.silent, Wire.last.of('room.command').length]).toEqual([true, 1])
  await Wire.last.refuse('room.command', 'betting_closed')
  expect([p.silent, await answer, Wire.last.of('room.command').length]).toEqual([false, 'betting_closed', 1])
})

test('a room that was left, or a line that was closed, is not watched any more', async () => {
  const { p, room } = await sit({ phase: 'betting' })
  room.leave()
  await vi.advanceTimersByTimeAsync(4_900)
  expect(pings()).toBe(1)
  p.close()
  expect(vi.getTimerCount()).toBe(0)
})

test('without a WebSocket it says what is missing', () => {
  vi.stubGlobal('WebSocket', undefined)
  expect(() => new Pitboss({ url: 'http://casino-x.localhost', token: 'T' })).toThrow(expect.objectContaining({ code: 'no_websocket' }))
})
