import { backoff } from './backoff.js'
import { Clock } from './clock.js'
import { closeCode } from './close_codes.js'
import { type Closing, type ErrorParams, PitbossError, type Welcome, retryCodes } from './protocol.js'
import { Silence } from './silence.js'
import { Rpc, type SocketConstructor } from './socket.js'

export interface Options {
  /** Where the casino is: its address, under which are ws and v1, e.g. https://casino.example or https://portal.example/casino. Defaults to the page's own origin. */
  url?: string
  /** The player's token, or where to get one; the latter is also asked for a fresh one. */
  token: string | (() => Promise<string>)
  /** Defaults to the global WebSocket. */
  WebSocket?: SocketConstructor
  /** Defaults to the global fetch. Used only to learn why a socket did not open. */
  fetch?: typeof fetch
  /** How long a command is resent until it is answered. Defaults to 60 s. */
  commandTimeoutMs?: number
}

/** Where the connection is. `stopped` is for good: the reason says why. */
export type State =
  | { is: 'connecting' }
  | { is: 'open' }
  | { is: 'reconnecting'; inMs: number; reason: string }
  | { is: 'stopped'; reason: string; message: string }

interface Handlers {
  state(state: State): void
  latency(ms: number): void
  /** Nothing comes over the socket that is open, or something does again. */
  silent(silent: boolean): void
  /** Whether a board is open for bets. */
  watched(): boolean
  /** A socket is open: whatever was going on goes on over it. */
  up(): void
  /** It has ended. Another follows, unless the state is stopped. */
  down(): void
  push(method: string, params: unknown): void
}

/** How often the round trip is measured. */
const pingEveryMs = 5_000
/** How long a socket may take to open. */
const openWithinMs = 10_000
/** A socket that was open for so long ends a row of failures. */
const steadyMs = 5_000
/** How long an answer over HTTP may ask to wait; more is not believed. */
const longestWaitMs = { usual: 60_000, maintenance: 300_000 }
/** The reason of a reconnecting state while the casino is in maintenance. */
const maintenance = 'tenant_maintenance'
/** The reason of a reconnecting state while as many players are connected as the casino may have. */
const full = 'limit_reached'

/**
 * Link keeps one socket to the hub open: it notices a dead one, comes back after those that ended
 * by accident, and stops with a reason after the others. It knows nothing of rooms.
 */
export class Link {
  state: State = { is: 'connecting' }
  readonly clock = new Clock()
  readonly #silence: Silence
  readonly #Socket: SocketConstructor
  #rpc: Rpc | undefined
  #attempt = 0
  #openedAt = 0
  #retryAfter: number | undefined
  #heartbeatMs = 15_000
  #timer: ReturnType<typeof setTimeout> | undefined // for the next socket, or for the one being opened
  #watch: ReturnType<typeof setInterval> | undefined
  #renewing: ReturnType<typeof setTimeout> | undefined

  constructor(
    private readonly options: Options,
    private readonly handlers: Handlers,
  ) {
    const Socket = options.WebSocket ?? (globalThis as { WebSocket?: SocketConstructor }).WebSocket
    if (!Socket) throw new PitbossError('no_websocket', 'There is no WebSocket here: take Node 22 or later, or pass one, as that of the package ws.')
    this.#Socket = Socket
    this.#silence = new Silence({
      watched: () => this.handlers.watched(),
      ping: () => {
        if (this.#rpc) void this.#ping(this.#rpc)
      },
      changed: (silent) => this.handlers.silent(silent),
    })
  }

  /** Whether the socket is open and nothing comes over it, not even the answer to a ping. */
  get silent(): boolean {
    return this.#silence.silent
  }

  /** A board may have opened. */
  look(): void {
    this.#silence.look()
  }

  /** The server's clock, in milliseconds since 1970. */
  now(): number {
    return Date.now() + this.clock.offset
  }

  /** Asks the server. Rejects with `disconnected` when the socket ends before the answer. */
  call(method: string, params: object): Promise<unknown> {
    return this.#rpc?.call(method, params) ?? Promise.reject(new PitbossError('disconnected', 'There is no connection.'))
  }

  /** Ends for good. */
  close(): void {
    const rpc = this.#rpc
    this.#stop('normal', reasons.normal!)
    rpc?.drop(1000)
  }

  async connect(): Promise<void> {
    if (this.#stopped()) return
    let token: string
    try {
      token = typeof this.options.token === 'string' ? this.options.token : await this.options.token()
    } catch {
      this.#again('token_unavailable')
      return
    }
    if (this.#stopped()) return // closed while the token was fetched
    const url = new URL('ws', this.#base())
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    const rpc = new Rpc(this.#Socket, url.href, ['pitboss.v1', `bearer.${token}`], {
      open: () => this.#opened(rpc),
      heard: () => {
        if (rpc === this.#rpc) this.#silence.heard()
      },
      push: (method, params) => this.#push(rpc, method, params),
      closed: (code, opened) => void this.#closed(rpc, code, opened, token),
    })
    this.#rpc = rpc
    this.#timer = setTimeout(() => rpc.drop(1006), openWithinMs)
  }

  #opened(rpc: Rpc): void {
    if (rpc !== this.#rpc) return
    clearTimeout(this.#timer)
    this.#retryAfter = undefined
    this.#openedAt = Date.now()
    this.#silence.start()
    this.#watch = setInterval(() => {
      if (Date.now() - rpc.lastHeard > 2 * this.#heartbeatMs) {
        rpc.drop(1006)
        return
      }
      if (Date.now() - this.#silence.pingedAt >= Math.min(pingEveryMs, this.#heartbeatMs)) void this.#ping(rpc)
    }, 1000)
    void this.#ping(rpc)
    this.state = { is: 'open' }
    this.handlers.up() // before anybody who hears of the state speaks over the socket
    this.handlers.state(this.state)
  }

  async #ping(rpc: Rpc): Promise<void> {
    const sent = Date.now()
    this.#silence.pinged()
    try {
      const { time } = (await rpc.call('ping', {})) as { time: string }
      this.clock.add(sent, Date.now(), Date.parse(time))
      if (this.clock.rtt !== undefined) this.handlers.latency(this.clock.rtt)
    } catch {
      // the socket ended, which is handled there, or the server is busy
    }
  }

  #push(rpc: Rpc, method: string, params: unknown): void {
    if (rpc !== this.#rpc) return
    if (method === 'session.welcome') {
      const w = params as Welcome
      this.#heartbeatMs = w.heartbeat_ms
      this.clock.hint(Date.now(), Date.parse(w.time))
      this.#renewBefore(rpc, w.expires_at)
    }
    if (method === 'session.closing') this.#retryAfter = (params as Closing).retry_after_ms
    this.handlers.push(method, params)
  }

  async #closed(rpc: Rpc, code: number, opened: boolean, token: string): Promise<void> {
    if (rpc !== this.#rpc || this.#stopped()) return
    this.#rpc = undefined
    clearTimeout(this.#timer)
    clearInterval(this.#watch)
    clearTimeout(this.#renewing)
    this.#silence.stop()
    this.handlers.down()
    if (opened) {
      if (Date.now() - this.#openedAt >= steadyMs) this.#attempt = 0
      const meaning = closeCode(code)
      // With somebody to ask for a token, an expired one is no reason to stop.
      const fresh = meaning.name === 'token_expired' && typeof this.options.token === 'function'
      if (meaning.reconnect || fresh) this.#again(meaning.name)
      else this.#stop(meaning.name, reasons[meaning.name] ?? 'The connection was closed.')
      return
    }
    const why = await this.#whyNot(token)
    if (why?.stops) this.#stop(why.code, why.message)
    else this.#again(why?.code ?? 'unreachable')
  }

  /** A browser does not say why a socket was refused; the same token is asked about over HTTP. Undefined is not known. */
  async #whyNot(token: string): Promise<{ code: string; message: string; stops: boolean } | undefined> {
    try {
      const res = await (this.options.fetch ?? fetch)(new URL('v1/session', this.#base()), {
        headers: { Authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(openWithinMs),
      })
      if (res.ok) {
        const { limit_reached: met } = (await res.json()) as { limit_reached?: ErrorParams }
        return met && { code: full, message: 'The casino is full.', stops: false }
      }
      // Something between here and the casino may answer otherwise.
      const { error } = (await res.json().catch(() => ({}))) as { error?: { code: string; message: string } }
      if (res.status < 500 && res.status !== 429) return error && { ...error, stops: true }
      const rests = error?.code === maintenance
      const s = Number(res.headers.get('Retry-After'))
      if (s > 0) this.#retryAfter = Math.min(1000 * s, rests ? longestWaitMs.maintenance : longestWaitMs.usual)
      return rests ? { ...error!, stops: false } : undefined
    } catch {
      return undefined // nobody there: try again
    }
  }

  #again(reason: string): void {
    if (this.#stopped()) return
    const asked = this.#retryAfter ?? 0
    this.#retryAfter = undefined
    // All of a casino's are asked to wait for as long: they come back over a quarter of that.
    const spread = reason === maintenance ? (Math.random() * asked) / 4 : 0
    const inMs = asked + spread + backoff(this.#attempt++)
    this.#set({ is: 'reconnecting', inMs, reason })
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.connect(), inMs)
  }

  #stop(reason: string, message: string): void {
    if (this.#stopped()) return
    clearTimeout(this.#timer)
    clearInterval(this.#watch)
    clearTimeout(this.#renewing)
    this.#silence.stop()
    this.#set({ is: 'stopped', reason, message })
  }

  #renewBefore(rpc: Rpc, expiresAt: string): void {
    clearTimeout(this.#renewing)
    const get = this.options.token
    if (typeof get === 'string') return
    const renew = async (): Promise<void> => {
      try {
        const r = (await rpc.call('session.renew', { token: await get() })) as { expires_at: string }
        if (rpc === this.#rpc) this.#renewBefore(rpc, r.expires_at)
      } catch (err) {
        // The socket closes at its time, and the next one starts with a fresh token.
        if (rpc === this.#rpc && retryCodes.has((err as PitbossError).code)) this.#renewBefore(rpc, expiresAt)
      }
    }
    const left = Date.parse(expiresAt) - this.now()
    this.#renewing = setTimeout(() => void renew(), Math.min(2 ** 31 - 1, Math.max(1000, left * 0.8)))
  }

  #base(): string {
    return (this.options.url ?? location.origin).replace(/\/?$/, '/')
  }

  #stopped(): boolean {
    return this.state.is === 'stopped'
  }

  #set(state: State): void {
    this.state = state
    this.handlers.state(state)
  }
}

const reasons: Record<string, string> = {
  normal: 'You left.',
  superseded: 'You are playing in another window.',
  token_expired: 'Your session has ended. Open the game again from the casino.',
  revoked: 'Your session was ended by the casino.',
  tenant_suspended: 'The casino is closed.',
}
