import { type ErrorParams, PitbossError } from './protocol.js'

/** The part of a browser's WebSocket that is used. */
export interface SocketLike {
  readonly readyState: number
  send(data: string): void
  close(code?: number, reason?: string): void
  onopen: ((ev: never) => unknown) | null
  onmessage: ((ev: never) => unknown) | null
  onclose: ((ev: never) => unknown) | null
  onerror: ((ev: never) => unknown) | null
}

export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike

interface Handlers {
  open(): void
  /** A frame came, whatever it holds. */
  heard(): void
  push(method: string, params: unknown): void
  /** opened says whether the socket had been open at all. */
  closed(code: number, opened: boolean): void
}

interface Waiting {
  resolve(value: unknown): void
  reject(err: PitbossError): void
}

interface Message {
  id?: number | null
  method?: string
  params?: unknown
  result?: unknown
  error?: { message: string; data?: { code?: string; params?: ErrorParams } }
}

/** Rpc is JSON-RPC 2.0 over one socket. When that ends, every open request is rejected. */
export class Rpc {
  #socket: SocketLike
  #waiting = new Map<number, Waiting>()
  #next = 1
  #opened = false
  #ended = false
  lastHeard = Date.now()

  constructor(
    Socket: SocketConstructor,
    url: string,
    protocols: string[],
    private readonly handlers: Handlers,
  ) {
    this.#socket = new Socket(url, protocols)
    this.#socket.onopen = () => {
      this.#opened = true
      this.lastHeard = Date.now()
      this.handlers.open()
    }
    this.#socket.onmessage = (ev: { data?: unknown }) => this.#message(ev.data)
    this.#socket.onclose = (ev: { code?: number }) => this.#end(ev.code ?? 1006)
    this.#socket.onerror = () => undefined // a close always follows
  }

  call(method: string, params: object): Promise<unknown> {
    if (this.#ended || !this.#opened) return Promise.reject(new PitbossError('disconnected', 'There is no connection.'))
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    })
  }

  /** Gives the socket up without waiting for the other side, which may not be there any more. */
  drop(code = 1000): void {
    if (this.#ended) return
    this.#socket.onclose = null
    try {
      this.#socket.close(code === 1000 ? 1000 : undefined)
    } catch {
      // a socket that was never open
    }
    this.#end(code)
  }

  #message(data: unknown): void {
    if (this.#ended || typeof data !== 'string') return
    this.lastHeard = Date.now()
    this.handlers.heard()
    let m: Message
    try {
      m = JSON.parse(data) as Message
    } catch {
      this.drop(1006) // not our server, or not all of it
      return
    }
    if (m.method !== undefined) {
      this.handlers.push(m.method, m.params)
      return
    }
    const waiting = typeof m.id === 'number' ? this.#waiting.get(m.id) : undefined
    if (!waiting) return
    this.#waiting.delete(m.id as number)
    if (m.error) waiting.reject(new PitbossError(m.error.data?.code ?? 'internal', m.error.message, m.error.data?.params))
    else waiting.resolve(m.result)
  }

  #end(code: number): void {
    if (this.#ended) return
    this.#ended = true
    const left = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const w of left) w.reject(new PitbossError('disconnected', 'The connection was lost.'))
    this.handlers.closed(code, this.#opened)
  }
}
