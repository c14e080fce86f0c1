import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { backoff, Clock, closeCodes, RoomState } from '../src/index.js'
import { retryCodes, serverCodes } from '../src/protocol.js'
import { event, line, seated, settle, welcome, Wire } from './wire.js'

beforeEach(() => {
  Wire.all = []
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
})
afterEach(() => vi.useRealTimers())

describe('connecting', () => {
  test('the token is offered as a subprotocol, and in no URL', async () => {
    line()
    await settle()
    expect(Wire.last.protocols).toEqual(['pitboss.v1', 'bearer.T'])
    expect(Wire.last.url).toBe('ws://casino-x.localhost:8080/ws')
  })

  test('a casino may be under a path', async () => {
    for (const url of ['https://portal.example/casino', 'https://portal.example/casino/']) {
      line({ url })
      await settle()
      expect(Wire.last.url).toBe('wss://portal.example/casino/ws')
    }
  })

  test('it comes back after each code that says so, and stops after the others', async () => {
    for (const c of closeCodes) {
      Wire.all = []
      const p = line()
      await settle()
      Wire.last.open().end(c.code)
      await vi.advanceTimersByTimeAsync(20_000)
      expect([c.name, Wire.all.length > 1]).toEqual([c.name, c.reconnect])
      expect(p.state.is === 'stopped').toBe(!c.reconnect)
      p.close()
    }
  })

  test('it waits as long as the server asked before it comes back', async () => {
    line()
    await settle()
    Wire.last.open().push('session.closing', { reason: 'draining', retry_after_ms: 5000 }).end(1012)
    await vi.advanceTimersByTimeAsync(4999)
    expect(Wire.all.length).toBe(1)
    await vi.advanceTimersByTimeAsync(300)
    expect(Wire.all.length).toBe(2)
  })

  test('a socket that never opened is asked about, and a refusal stops it', async () => {
    const asked: string[] = []
    const p = line({
      fetch: (async (url: URL, init: RequestInit) => {
        asked.push(`${url.href} ${(init.headers as Record<string, string>).Authorization}`)
        return new Response(JSON.stringify({ error: { code: 'token_expired', message: 'old' } }), { status: 401 })
      }) as unknown as typeof fetch,
    })
    await settle()
    Wire.last.end(1006)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(asked).toEqual(['http://casino-x.localhost:8080/v1/session Bearer T'])
    expect(p.state).toEqual({ is: 'stopped', reason: 'token_expired', message: 'old' })
    expect(Wire.all.length).toBe(1)
  })

  test('a link that went silent is given up after two heartbeats', async () => {
    line()
    await settle()
    const first = Wire.last.open().push('session.welcome', welcome)
    await vi.advanceTimersByTimeAsync(29_000)
    expect(Wire.last).toBe(first)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(Wire.last).not.toBe(first)
  })

  test('backoff grows, has full jitter, and stays below its most', () => {
    expect([0, 1, 2, 3, 20].map((n) => backoff(n, () => 1))).toEqual([250, 500, 1000, 2000, 10_000])
    expect(backoff(5, () => 0)).toBe(0)
  })
})

describe('a room', () => {
  test('passes on each event once and in order', async () => {
    const { seen, views } = await seated(line())
    for (const seq of [9, 10, 11, 11, 12]) Wire.last.push('room.event', event(seq))
    expect(views).toEqual([{ n: 10 }])
    expect(seen).toEqual([11, 12])
  })

  test('asks for the gap when an event is missing', async () => {
    const { seen } = await seated(line())
    Wire.last.push('room.event', event(13))
    expect(Wire.last.of('room.join').pop()!.params).toEqual({ room: 'r', resume: { epoch: 1, seq: 10 } })
    Wire.last.push('room.event', event(14)) // while the join is on its way
    await Wire.last.answer('room.join', { epoch: 1, seq: 14, events: [11, 12, 13, 14].map((n) => event(n)) })
    Wire.last.push('room.event', event(15))
    expect(seen).toEqual([11, 12, 13, 14, 15])
  })

  test('notices a lost last event by the beat', async () => {
    await seated(line())
    Wire.last.push('room.beat', { room: 'r', epoch: 1, seq: 10 })
    expect(Wire.last.of('room.join').length).toBe(1)
    Wire.last.push('room.beat', { room: 'r', epoch: 1, seq: 11 })
    expect(Wire.last.of('room.join').length).toBe(2)
  })

  test('is joined again, from where it was, on the next socket', async () => {
    const { seen, views } = await seated(line())
    Wire.last.push('room.event', event(11)).end(1006)
    await vi.advanceTimersByTimeAsync(20_000)
    Wire.last.open().push('session.welcome', welcome)
    expect(Wire.last.of('room.join')[0]!.params).toEqual({ room: 'r', resume: { epoch: 1, seq: 11 } })
    await Wire.last.answer('room.join', { epoch: 2, seq: 12, events: [{ ...event(12), epoch: 2 }] })
    expect(seen).toEqual([11, 12])
    expect(views.length).toBe(1)
  })

  test('believes what the next socket says, also if the database has gone back', async () => {
    const p = line()
    const balances: number[] = []
    p.on('balance', (b) => balances.push(b.balance))
    const { seen, views } = await seated(p)
    Wire.last.push('wallet.balance', { balance: 500, currency: 'EUR', version: 9 })
    Wire.last.push('wallet.balance', { balance: 400, currency: 'EUR', version: 8 })
    Wire.last.push('room.event', event(11)).push('room.totals', { room: 'r', epoch: 1, seq: 40, data: {} }).end(4003)
    await vi.advanceTimersByTimeAsync(20_000)
    Wire.last.open().push('session.welcome', welcome).push('wallet.balance', { balance: 700, currency: 'EUR', version: 3 })
    expect(balances.slice(-2)).toEqual([500, 700])
    await Wire.last.answer('room.join', { epoch: 4294967297, seq: 5, view: { is: 'back' } })
    expect(views.at(-1)).toEqual({ is: 'back' })
    Wire.last.push('room.event', { ...event(6), epoch: 4294967297 })
    expect(seen).toEqual([11, 6])
  })

  test('an answer with neither view nor events means that nothing was missed', async () => {
    const { seen } = await seated(line())
    Wire.last.end(1006)
    await vi.advanceTimersByTimeAsync(20_000)
    Wire.last.open()
    await Wire.last.answer('room.join', { epoch: 1, seq: 10 })
    Wire.last.push('room.event', event(11))
    expect(seen).toEqual([11])
  })

  test('that is gone says so', async () => {
    const p = line()
    await settle()
    Wire.last.open()
    let lost = ''
    p.join('r', { lost: (code) => (lost = code) })
    await Wire.last.refuse('room.join', 'room_not_found')
    expect(lost).toBe('room_not_found')
  })

  test('counts without a socket too', () => {
    const seen: number[] = []
    const r = new RoomState('r', { event: (e) => seen.push(e.seq) })
    expect(r.take(event(5))).toBe(true) // before the view: nothing is known, nothing is missing
    r.resync({ epoch: 1, seq: 5 }, {})
    expect([r.take(event(6)), r.take(event(8)), r.beat(6), r.beat(7)]).toEqual([true, false, true, false])
    expect(seen).toEqual([6])
  })
})

describe('a command', () => {
  test('is resent under its own id until it is answered, and resolves once', async () => {
    const { room } = await seated(line())
    const got: unknown[] = []
    void room.command({ type: 'bet' }).then((r) => got.push(r))
    const id = Wire.last.of('room.command')[0]!.params.command_id
    Wire.last.end(1006)
    await vi.advanceTimersByTimeAsync(20_000)
    Wire.last.open()
    expect(Wire.last.of('room.command')).toEqual([]) // not before the room is joined
    await Wire.last.answer('room.join', { epoch: 1, seq: 10 })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(new Set(Wire.last.of('room.command').map((m) => m.params.command_id))).toEqual(new Set([id]))
    await Wire.last.answer('room.command', { accepted: true, epoch: 1, seq: 11, balance: 5 })
    expect(got).toEqual([{ accepted: true, epoch: 1, seq: 11, balance: 5 }])
    const n = Wire.last.of('room.command').length
    await vi.advanceTimersByTimeAsync(20_000)
    expect(Wire.last.of('room.command').length).toBe(n)
  })

  test('is asked again after busy, rate_limited and unavailable', async () => {
    const { room } = await seated(line())
    void room.command({ type: 'bet' }).catch(() => undefined)
    let n = 1
    for (const code of retryCodes) {
      await Wire.last.refuse('room.command', code)
      await vi.advanceTimersByTimeAsync(3000)
      expect(Wire.last.of('room.command').length).toBe(++n)
    }
  })

  test('that is refused is not asked again', async () => {
    const { room } = await seated(line())
    const refused = room.command({ type: 'bet' }).catch((e: Error & { code: string }) => e.code)
    await Wire.last.refuse('room.command', 'betting_closed')
    expect(await refused).toBe('betting_closed')
    await vi.advanceTimersByTimeAsync(20_000)
    expect(Wire.last.of('room.command').length).toBe(1)
  })

  test('gives up at its deadline', async () => {
    const { room } = await seated(line({ commandTimeoutMs: 3000 }))
    const late = room.command({ type: 'bet' }).catch((e: Error & { code: string }) => e.code)
    Wire.last.end(1006)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await late).toBe('timeout')
  })
})

describe('money and messages', () => {
  test('an older balance is dropped', async () => {
    const p = line()
    await settle()
    Wire.last.open()
    for (const [balance, version] of [[100, 2], [50, 1], [70, 3]] as const) Wire.last.push('wallet.balance', { balance, currency: 'EUR', version })
    expect(p.balance?.balance).toBe(70)
  })

  test('presence is kept up to date from what changed', async () => {
    const p = line()
    await settle()
    Wire.last.open()
    Wire.last.push('lobby.presence', { online: 5, rooms: { a: 2, b: 3 }, full: true })
    Wire.last.push('lobby.presence', { online: 4, rooms: { b: 0, c: 2 } })
    expect(p.presence).toEqual({ online: 4, rooms: { a: 2, c: 2 } })
    Wire.last.push('lobby.presence', { online: 1, rooms: { d: 1 }, full: true })
    expect(p.presence).toEqual({ online: 1, rooms: { d: 1 } })
  })

  test('briefs are kept up to date from what changed', async () => {
    const p = line()
    let told = 0
    p.on('briefs', () => told++)
    await settle()
    Wire.last.open()
    Wire.last.push('lobby.briefs', { rooms: { a: { phase: 'betting' }, b: { phase: 'playing' } }, full: true })
    const { a } = p.briefs
    Wire.last.push('lobby.briefs', { rooms: { b: null, c: { phase: 'settled' } } })
    expect([p.briefs, told]).toEqual([{ a: { phase: 'betting' }, c: { phase: 'settled' } }, 2])
    expect(p.briefs.a).toBe(a)
    Wire.last.push('lobby.briefs', { rooms: {}, full: true })
    expect(p.briefs).toEqual({})
  })

  test('a table that opens while the list is on its way is in it', async () => {
    const p = line()
    await settle()
    const socket = Wire.last.open()
    const table = (room: string, status = 'open') => ({ room, game: 'roulette', name: room, status, settings: {}, players: 0 })
    const list = p.rooms()
    await settle()
    socket.push('lobby.rooms', { rooms: [table('b'), table('c', 'closed')] })
    await socket.answer('room.list', { rooms: [table('d'), table('c')] })
    expect((await list).map((r) => r.room)).toEqual(['b', 'd'])
  })

  test('a promotion is shown once, until it is withdrawn or over', async () => {
    const p = line()
    await settle()
    Wire.last.open().push('session.welcome', welcome)
    let toasts = 0
    p.on('published', () => toasts++)
    const promo = { id: 'p', title: 't', text: 'x', published_at: '', ends_at: '2026-01-01T00:10:00.000Z' }
    Wire.last.push('room.resync', { room: 'lobby', epoch: 1, seq: 4, view: { promotions: [promo] } })
    Wire.last.push('promotion.published', { room: 'lobby', epoch: 1, seq: 0, at: '', type: 'promotion.published', data: promo })
    expect([p.promotions.length, toasts]).toEqual([1, 0])
    const other = { ...promo, id: 'q' }
    for (let i = 0; i < 2; i++) Wire.last.push('promotion.published', { room: 'lobby', epoch: 1, seq: 5, at: '', type: 'promotion.published', data: other })
    expect([p.promotions.length, toasts]).toEqual([2, 1])
    Wire.last.push('promotion.withdrawn', { room: 'lobby', epoch: 1, seq: 6, at: '', type: 'promotion.withdrawn', data: { id: 'q' } })
    expect(p.promotions.map((x) => x.id)).toEqual(['p'])
    for (let i = 0; i < 70; i++) {
      await vi.advanceTimersByTimeAsync(10_000)
      Wire.last.push('session.heartbeat', { time: '' })
    }
    expect(p.promotions).toEqual([])
  })

  test("the quickest ping decides the clock's offset", () => {
    const c = new Clock()
    c.hint(0, 5000)
    expect(c.rtt).toBeUndefined()
    c.add(1000, 1400, 6300)
    c.add(2000, 2020, 7010)
    expect(c.offset).toBe(5000)
    expect(c.rtt).toBe(400)
  })
})

test("the tables of codes are the server's", () => {
  const golden = (name: string) => JSON.parse(readFileSync(new URL(`../../../../hub/wire/testdata/${name}`, import.meta.url), 'utf8')) as Record<string, unknown>[]
  expect(closeCodes).toEqual(golden('close_codes.json').map(({ code, name, reconnect }) => ({ code, name, reconnect })))
  expect([...serverCodes]).toEqual(golden('error_codes.json').map((c) => c.code))
  expect([...retryCodes].sort()).toEqual(golden('error_codes.json').filter((c) => c.retry).map((c) => c.code).sort())
})
