// What the limits of a casino ask of a client: to wait, and to send the same again.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Pitboss, type PitbossError, type SocketConstructor } from '../src/index.js'
import { retryCodes } from '../src/protocol.js'
import { event, line, randomFrom, seated, seed, settle, welcome, Wire } from './wire.js'

beforeEach(() => {
  Wire.all = []
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const codeOf = (p: Promise<unknown>): Promise<string> => p.then(() => 'answered', (e: PitbossError) => e.code)
const frames = (method: string): string[] => Wire.last.of(method).map((m) => JSON.stringify(m.params))

describe('a command', () => {
  test('is sent again with the same bytes, whatever became of the object that it was given as', async () => {
    const { room } = await seated(line())
    const command = { type: 'bet', round: 7, bets: [{ position: 'red', amount: 100 }] }
    const end = codeOf(room.command(command))
    command.round = 8
    command.bets[0]!.amount = 900
    for (const code of retryCodes) {
      await Wire.last.refuse('room.command', code)
      await vi.advanceTimersByTimeAsync(3_000)
    }
    expect(new Set(frames('room.command')).size).toBe(1)
    expect(frames('room.command')[0]).toContain('"command":{"type":"bet","round":7,"bets":[{"position":"red","amount":100}]}')
    await Wire.last.answer('room.command', { accepted: true, epoch: 1, seq: 11, balance: 5 })
    expect(await end).toBe('answered')
  })

  test('under the id of another that is still open is refused, and not sent', async () => {
    const p = line()
    await seated(p)
    void p.command('r', { type: 'bet', round: 7 }, 'one')
    expect(await codeOf(p.command('r', { type: 'bet', round: 8 }, 'one'))).toBe('command_id_reused')
    expect(await codeOf(p.command('s', { type: 'bet', round: 7 }, 'one'))).toBe('command_id_reused')
    expect(Wire.last.of('room.command').length).toBe(1)
  })

  test('that nobody has time for is sent again after longer pauses, which differ, until its deadline', async () => {
    const { room } = await seated(line({ commandTimeoutMs: 30_000 }))
    const end = codeOf(room.command({ type: 'bet' }))
    const at: number[] = []
    while (Wire.last.of('room.command').length > at.length) {
      at.push(Date.now())
      await Wire.last.refuse('room.command', 'busy')
      await vi.advanceTimersToNextTimerAsync()
      for (let i = 0; i < 100 && Wire.last.of('room.command').length === at.length && vi.getTimerCount() > 0 && Date.now() - at[0]! < 30_000; i++) {
        Wire.last.push('session.heartbeat', { time: '' })
        await vi.advanceTimersToNextTimerAsync()
      }
    }
    expect(await end).toBe('timeout')
    const pauses = at.slice(1).map((t, i) => t - at[i]!)
    expect(pauses.length).toBeGreaterThan(12)
    expect(pauses.length).toBeLessThan(80)
    expect(new Set(pauses).size).toBeGreaterThan(pauses.length / 2)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(2_051)
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(50)
  })
})

describe('a room', () => {
  test('that nobody has time for is joined again after longer pauses, and its events do not hurry that', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.999)
    await seated(line())
    Wire.last.push('room.event', event(13))
    const asked: number[] = []
    for (let ms = 0; ms < 8_000; ms += 100) {
      if (Wire.last.of('room.join').length > asked.length + 1) {
        asked.push(ms)
        await Wire.last.refuse('room.join', 'rate_limited')
      }
      Wire.last.push('room.event', event(14 + ms))
      Wire.last.push('room.beat', { room: 'r', epoch: 1, seq: 14 + ms })
      await vi.advanceTimersByTimeAsync(100)
    }
    expect(asked).toEqual([0, 200, 500, 1000, 1900, 3600, 5700, 7800])
  })

  test('takes commands while a gap is asked for', async () => {
    const { room } = await seated(line())
    Wire.last.push('room.event', event(13))
    await Wire.last.refuse('room.join', 'busy')
    const end = codeOf(room.command({ type: 'bet' }))
    await Wire.last.answer('room.command', { accepted: true, epoch: 1, seq: 14, balance: 5 })
    expect(await end).toBe('answered')
  })

  test('takes no commands on a new socket before it is joined there', async () => {
    const { room } = await seated(line())
    Wire.last.end(1006)
    await vi.advanceTimersByTimeAsync(20_000)
    Wire.last.open()
    const end = codeOf(room.command({ type: 'bet' }))
    await Wire.last.refuse('room.join', 'busy')
    expect(Wire.last.of('room.command')).toEqual([])
    await vi.advanceTimersByTimeAsync(200)
    await Wire.last.answer('room.join', { epoch: 1, seq: 10 })
    await Wire.last.answer('room.command', { accepted: true, epoch: 1, seq: 11, balance: 5 })
    expect(await end).toBe('answered')
  })
})

test('the list of rooms, the balance and a new token are asked for again when nobody had time for them', async () => {
  let n = 0
  const p = line({ token: () => Promise.resolve(`T${++n}`) })
  await settle()
  Wire.last.open().push('session.welcome', { ...welcome, expires_at: '2026-01-01T00:00:10.000Z' })
  const list = codeOf(p.rooms())
  const balance = codeOf(p.askBalance())
  await Wire.last.refuse('room.list', 'rate_limited')
  await Wire.last.refuse('wallet.balance', 'busy')
  await vi.advanceTimersByTimeAsync(200)
  await Wire.last.answer('room.list', { rooms: [] })
  await Wire.last.refuse('wallet.balance', 'forbidden')
  expect([await list, await balance]).toEqual(['answered', 'forbidden'])
  await vi.advanceTimersByTimeAsync(8_000)
  await Wire.last.refuse('session.renew', 'unavailable')
  await vi.advanceTimersByTimeAsync(2_000)
  expect(Wire.last.of('session.renew').map((m) => m.params.token)).toEqual(['T2', 'T3'])
})

describe('connecting', () => {
  test('a casino that answers 429 or 503 is waited for as long as it asks, and no longer than a minute', async () => {
    for (const [status, after, least, most] of [[429, '7', 7_000, 7_250], [503, '3', 3_000, 3_250], [503, '3600', 60_000, 60_250], [429, 'Wed, 21 Oct 2026 07:28:00 GMT', 0, 250]] as const) {
      Wire.all = []
      const p = line({ fetch: (async () => new Response(status === 503 ? '<html>' : '{}', { status, headers: { 'Retry-After': after } })) as unknown as typeof fetch })
      await settle()
      Wire.last.end(1006)
      await settle()
      await vi.advanceTimersByTimeAsync(Math.max(0, least - 1))
      expect([after, Wire.all.length]).toEqual([after, 1])
      await vi.advanceTimersByTimeAsync(most - least + 2)
      expect([after, Wire.all.length]).toEqual([after, 2])
      p.close()
    }
  })

  test('a casino in maintenance says so, and is asked again as it wants to be: after its time and a quarter of that, within five minutes and a quarter', async () => {
    const problem = JSON.stringify({ error: { code: 'tenant_maintenance', message: 'in maintenance' } })
    let after = '20'
    const states: string[] = []
    const p = line({ fetch: (async () => new Response(problem, { status: 503, headers: { 'Retry-After': after } })) as unknown as typeof fetch })
    p.on('state', (s) => states.push(s.is === 'reconnecting' ? s.reason : s.is))
    await settle()
    Wire.last.open().push('session.closing', { reason: 'tenant_maintenance', retry_after_ms: 20_000 }).end(4004)
    for (const [next, least] of [['3600', 20_000], ['3600', 300_000]] as const) {
      after = next
      const had = Wire.all.length
      await vi.advanceTimersByTimeAsync(least - 1)
      expect(Wire.all.length).toBe(had)
      await vi.advanceTimersByTimeAsync(least / 4 + 1000)
      expect(Wire.all.length).toBe(had + 1)
      Wire.last.end(1006)
      await settle()
    }
    const had = Wire.all.length
    while (Wire.all.length === had) await vi.advanceTimersByTimeAsync(1_000)
    Wire.last.open()
    expect(states).toEqual(['open', 'tenant_maintenance', 'tenant_maintenance', 'tenant_maintenance', 'open'])
    p.close()
  })

  test('a casino that is full says so, and is tried again until it has a place', async () => {
    let session: object = { player: 'alice', limit_reached: { limit: 'plan_sockets', value: 500 } }
    const states: string[] = []
    const p = line({ fetch: (async () => Response.json(session)) as unknown as typeof fetch })
    p.on('state', (s) => states.push(s.is === 'reconnecting' ? s.reason : s.is))
    await settle()
    for (let had = 1; had <= 8; had++) {
      expect(Wire.all.length).toBe(had)
      if (had === 8) session = { player: 'alice' } // there is a place, and something else is wrong
      Wire.last.end(1006)
      await settle()
      await vi.advanceTimersByTimeAsync(10_001)
    }
    Wire.last.open()
    expect(states).toEqual([...Array<string>(7).fill('limit_reached'), 'unreachable', 'open'])
    p.close()
  })

  // A player may connect twice a second, and twenty times at once; a browser does not see that it was refused.
  const ends: Record<string, (s: Wire) => void> = {
    'is refused': (s) => s.end(1006),
    'is thrown out at once': (s) => s.open().end(1013),
    'is asked to come back at once': (s) => s.open().push('session.closing', { reason: 'draining', retry_after_ms: 0 }).end(1012),
    'is lost at once': (s) => s.open().push('session.welcome', welcome).end(1006),
  }
  for (const [what, end] of Object.entries(ends)) {
    test(`a client that ${what}, however often, stays within what a player may connect (SEED=${seed})`, async () => {
      console.log(`SEED=${seed}`)
      vi.spyOn(Math, 'random').mockImplementation(randomFrom(seed))
      for (let run = 0; run < 20; run++) {
        const at: number[] = []
        const Refused = class extends Wire {
          constructor(url: string, protocols: string[]) {
            super(url, protocols)
            at.push(Date.now())
            setTimeout(() => end(this), 1)
          }
        }
        const p = new Pitboss({ url: 'http://casino.test', token: 'T', WebSocket: Refused as unknown as SocketConstructor, fetch: () => Promise.reject(new Error('no')) }).connect()
        await vi.advanceTimersByTimeAsync(120_000)
        p.close()
        expect(at.length).toBeGreaterThan(10)
        let tokens = 20
        at.forEach((t, i) => {
          tokens = Math.min(20, tokens + (2 * (t - (at[i - 1] ?? t))) / 1000) - 1
          expect(tokens).toBeGreaterThan(8) // by far: other windows connect too
        })
      }
    })
  }
})
