import { vi } from 'vitest'
import { Pitboss, type RoomEvent } from '../src/index.js'
import type { SocketLike } from '../src/socket.js'

/** A socket whose other end is the test. */
export class Wire implements SocketLike {
  static all: Wire[] = []
  readyState = 0
  sent: { id: number; method: string; params: Record<string, unknown> }[] = []
  onopen: ((ev: never) => unknown) | null = null
  onmessage: ((ev: never) => unknown) | null = null
  onclose: ((ev: never) => unknown) | null = null
  onerror: ((ev: never) => unknown) | null = null

  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {
    Wire.all.push(this)
  }
  static get last(): Wire {
    return Wire.all[Wire.all.length - 1]!
  }
  send(data: string): void {
    this.sent.push(JSON.parse(data))
  }
  close(): void {
    this.readyState = 3
  }
  open(): this {
    this.readyState = 1
    this.onopen?.({} as never)
    return this
  }
  push(method: string, params: object): this {
    this.onmessage?.({ data: JSON.stringify({ jsonrpc: '2.0', method, params }) } as never)
    return this
  }
  end(code: number): void {
    this.onclose?.({ code } as never)
  }
  of(method: string): Wire['sent'] {
    return this.sent.filter((m) => m.method === method)
  }
  async answer(method: string, result: object): Promise<void> {
    await this.#reply(method, { result })
  }
  async refuse(method: string, code: string): Promise<void> {
    await this.#reply(method, { error: { code: -32000, message: code, data: { code } } })
  }
  async #reply(method: string, body: object): Promise<void> {
    const asked = this.of(method).pop()
    if (!asked) throw new Error(`${method} was not asked`)
    this.onmessage?.({ data: JSON.stringify({ jsonrpc: '2.0', id: asked.id, ...body }) } as never)
    await vi.advanceTimersByTimeAsync(0)
  }
}

export const welcome = {
  time: '2026-01-01T00:00:00.000Z', heartbeat_ms: 15000, connection: 'c', node: 'n', tenant: 'casino-x', tenant_name: 'Casino X', player: 'alice',
  name: 'alice', role: 'player', currency: 'EUR', exponent: 2, expires_at: '2026-01-02T00:00:00.000Z', lobby: 'lobby',
}
export const event = (seq: number, type = 'e'): RoomEvent => ({ room: 'r', epoch: 1, seq, at: '', type, data: {} })

export function line(options: Partial<ConstructorParameters<typeof Pitboss>[0]> = {}): Pitboss {
  return new Pitboss({ url: 'http://casino-x.localhost:8080', token: 'T', WebSocket: Wire, fetch: () => Promise.reject(new Error('down')), ...options }).connect()
}

/** Lets the token's promise settle, so that a socket is made. */
export const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)

export async function seated(p: Pitboss): Promise<{ seen: number[]; views: unknown[]; room: ReturnType<Pitboss['join']> }> {
  await settle()
  Wire.last.open().push('session.welcome', welcome)
  const seen: number[] = []
  const views: unknown[] = []
  const room = p.join('r', { view: (v) => views.push(v), event: (e) => seen.push(e.seq) })
  await Wire.last.answer('room.join', { epoch: 1, seq: 10, view: { n: 10 } })
  return { seen, views, room }
}

/** What random tests start from; they print it. */
export const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)

/** mulberry32: small, and the same everywhere. */
export function randomFrom(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
