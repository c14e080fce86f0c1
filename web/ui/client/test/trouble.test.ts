// What goes wrong on the way to a casino, one thing at a time.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { PitbossError } from '../src/index.js'
import { event, line, seated, settle, welcome, Wire } from './wire.js'

beforeEach(() => {
  Wire.all = []
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const codeOf = (p: Promise<unknown>): Promise<string> => p.then(() => 'answered', (e: PitbossError) => e.code)

describe('the link', () => {
  test('waits longer each time a casino lets it in and throws it out, and starts over after a steady while', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.999)
    const p = line()
    const waits: number[] = []
    p.on('state', (s) => s.is === 'reconnecting' && waits.push(Math.round(s.inMs)))
    await settle()
    for (let i = 0; i < 4; i++) {
      Wire.last.open().end(1013)
      await vi.advanceTimersByTimeAsync(2_500)
    }
    Wire.last.open()
    await vi.advanceTimersByTimeAsync(6_000)
    Wire.last.end(1013)
    expect(waits).toEqual([250, 500, 999, 1998, 250])
  })

  test('gives up a socket that neither opens nor fails', async () => {
    const p = line()
    await settle()
    await vi.advanceTimersByTimeAsync(9_900)
    expect(Wire.all.length).toBe(1)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(Wire.all.length).toBe(2)
    expect(Wire.all[0]!.readyState).toBe(3)
    p.close()
  })

  test('comes back when what it hears is no JSON', async () => {
    line()
    await settle()
    const first = Wire.last.open()
    first.onmessage?.({ data: '<html>' } as never)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(Wire.last).not.toBe(first)
  })

  test('asks for a fresh token before the old one ends, and after it did', async () => {
    let n = 0
    line({ token: () => Promise.resolve(`T${++n}`) })
    await settle()
    Wire.last.open().push('session.welcome', { ...welcome, expires_at: '2026-01-01T00:01:40.000Z' })
    for (let i = 0; i < 9; i++) {
      await vi.advanceTimersByTimeAsync(9_000)
      Wire.last.push('session.heartbeat', { time: '' })
    }
    expect(Wire.last.of('session.renew').map((m) => m.params)).toEqual([{ token: 'T2' }])
    await Wire.last.answer('session.renew', { expires_at: '2026-01-01T00:03:20.000Z' })
    Wire.last.end(4501)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(Wire.last.protocols).toEqual(['pitboss.v1', 'bearer.T3'])
  })

  test('tries again when no token is to be had', async () => {
    let n = 0
    const p = line({ token: () => (++n < 3 ? Promise.reject(new Error('down')) : Promise.resolve('T')) })
    await vi.advanceTimersByTimeAsync(2_000)
    expect(Wire.all.length).toBe(1)
    p.close()
  })

  test('leaves no timer behind when it is closed', async () => {
    const p = line()
    const { room } = await seated(p)
    const end = codeOf(room.command({ type: 'bet' }))
    Wire.last.push('room.resync', { room: 'lobby', epoch: 1, seq: 1, view: { promotions: [{ id: 'p', ends_at: '2026-01-01T01:00:00Z' }] } })
    p.close()
    expect(await end).toBe('disconnected')
    expect(vi.getTimerCount()).toBe(0)
    expect(p.state).toEqual({ is: 'stopped', reason: 'normal', message: 'You left.' })
  })
})

describe('a command', () => {
  test('that a living server never answers ends at its deadline, and a late answer changes nothing', async () => {
    const { room } = await seated(line({ commandTimeoutMs: 3_000 }))
    const end = codeOf(room.command({ type: 'bet' }))
    await vi.advanceTimersByTimeAsync(3_000)
    expect(await end).toBe('timeout')
    await Wire.last.answer('room.command', { accepted: true, epoch: 1, seq: 11, balance: 5 })
    await vi.advanceTimersByTimeAsync(20_000)
    expect(Wire.last.of('room.command').length).toBe(1)
  })

  test('under an id that is still open is the same command', async () => {
    const p = line()
    await seated(p)
    const both = [p.command('r', { type: 'bet' }, 'one'), p.command('r', { type: 'bet' }, 'one')]
    expect(Wire.last.of('room.command').length).toBe(1)
    await Wire.last.answer('room.command', { accepted: true, epoch: 1, seq: 11, balance: 5 })
    expect(new Set(await Promise.all(both)).size).toBe(1)
  })

  test('to a server that lost our seat is sent again after the room was joined again', async () => {
    const { room } = await seated(line())
    const end = codeOf(room.command({ type: 'bet' }))
    const id = Wire.last.of('room.command')[0]!.params.command_id
    await Wire.last.refuse('room.command', 'not_joined')
    expect(Wire.last.of('room.join').length).toBe(2)
    expect(Wire.last.of('room.command').length).toBe(1)
    await Wire.last.answer('room.join', { epoch: 1, seq: 10 })
    expect(Wire.last.of('room.command').map((m) => m.params.command_id)).toEqual([id, id])
    await Wire.last.answer('room.command', { accepted: true, epoch: 1, seq: 11, balance: 5 })
    expect(await end).toBe('answered')
  })

  test('given before the room is joined waits for it', async () => {
    const p = line()
    const end = codeOf(p.join('r', {}).command({ type: 'bet' }))
    await settle()
    Wire.last.open()
    expect(Wire.last.of('room.command')).toEqual([])
    await Wire.last.answer('room.join', { epoch: 1, seq: 10, view: {} })
    await Wire.last.answer('room.command', { accepted: true, epoch: 1, seq: 11, balance: 5 })
    expect(await end).toBe('answered')
  })

  test('to a room that is gone, or was left, is not waited for', async () => {
    const p = line()
    const gone = codeOf(p.join('r', {}).command({ type: 'bet' }))
    const other = p.join('s', {})
    const left = codeOf(other.command({ type: 'bet' }))
    other.leave()
    expect(await left).toBe('not_joined')
    await settle()
    Wire.last.open()
    await Wire.last.refuse('room.join', 'room_not_found')
    expect(await gone).toBe('room_not_found')
  })
})

describe('a room', () => {
  test('that was left while it was being joined is not heard of any more', async () => {
    const p = line()
    await settle()
    Wire.last.open()
    const views: unknown[] = []
    p.join('r', { view: (v) => views.push(v) }).leave()
    await Wire.last.answer('room.join', { epoch: 1, seq: 1, view: {} })
    Wire.last.push('room.event', event(2))
    expect(views).toEqual([])
  })

  test('is replaced by a resync, and counts on from there', async () => {
    const { seen, views } = await seated(line())
    Wire.last.push('room.resync', { room: 'r', epoch: 2, seq: 40, view: { n: 40 } })
    for (const seq of [11, 40, 41]) Wire.last.push('room.event', { ...event(seq), epoch: 2 })
    expect(views).toEqual([{ n: 10 }, { n: 40 }])
    expect(seen).toEqual([41])
  })

  test('that could not be joined for now is tried again', async () => {
    const p = line()
    await settle()
    Wire.last.open()
    p.join('r', {})
    await Wire.last.refuse('room.join', 'busy')
    await vi.advanceTimersByTimeAsync(3_000)
    expect(Wire.last.of('room.join').length).toBe(2)
  })
})

test('a promotion ends at its end also while nobody is connected', async () => {
  const p = line()
  await settle()
  Wire.last.open().push('session.welcome', welcome)
  Wire.last.push('room.resync', { room: 'lobby', epoch: 1, seq: 4, view: { promotions: [{ id: 'p', ends_at: '2026-01-01T00:00:30.000Z' }] } })
  Wire.last.end(1006)
  await vi.advanceTimersByTimeAsync(29_000)
  expect(p.promotions.length).toBe(1)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(p.promotions).toEqual([])
})

test('the balance can be asked for, and an older one does not replace a newer', async () => {
  const p = line()
  await settle()
  Wire.last.open().push('wallet.balance', { balance: 70, currency: 'EUR', version: 3 })
  const asked = p.askBalance()
  await Wire.last.answer('wallet.balance', { balance: 50, currency: 'EUR', version: 2 })
  expect((await asked).balance).toBe(70)
})
