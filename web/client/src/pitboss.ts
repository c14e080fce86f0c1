import { backoff } from './backoff'
import { Clock } from './clock'
import { closeCode } from './close_codes'
import { Emitter } from './emitter'
import {
  type Balance,
  type Closing,
  type CommandResult,
  type JoinResult,
  PitbossError,
  type Place,
  type Presence,
  type Promotion,
  type RoomEvent,
  type RoomInfo,
  type ChatMessage,
  type Welcome,
  retryCodes,
} from './protocol'
import { type RoomHandlers, RoomState } from './room'
import { Rpc, type SocketConstructor } from './socket'

export interface Options {
  /** A page of the casino, e.g. https://casino.example. Defaults to the page's own origin. */
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

export interface Events {
  state: State
  welcome: Welcome
  balance: Balance
  promotions: Promotion[]
  published: Promotion
  presence: Presence
  latency: number
}

interface Command {
  room: string
  id: string
  command: object
  deadline: number
  attempt: number
  flying: boolean
  timer?: ReturnType<typeof setTimeout>
  resolve(r: CommandResult): void
  reject(e: PitbossError): void
}

const pingEveryMs = 5000

/**
 * Pitboss is one player's (or operator's) line to a casino. It comes back by itself, resumes
 * every room where it was, and resends commands that were not answered under their own id, so
 * that each counts once.
 */
export class Pitboss extends Emitter<Events> {
  #options: Options
  #rpc: Rpc | undefined
  #rooms = new Map<string, RoomState>()
  #lobby: RoomState | undefined
  #commands = new Map<string, Command>()
  #promotions = new Map<string, Promotion>()
  #attempt = 0
  #retryAfter: number | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #watch: ReturnType<typeof setInterval> | undefined
  #renewing: ReturnType<typeof setTimeout> | undefined
  #clock = new Clock()
  state: State = { is: 'connecting' }
  welcome: Welcome | undefined
  balance: Balance | undefined
  presence: Presence | undefined

  constructor(options: Options) {
    super()
    this.#options = options
  }

  /** Starts connecting. Call it once, after listeners are in place. */
  connect(): this {
    void this.#connect()
    return this
  }

  /** Says goodbye. Nothing reconnects after it. */
  close(): void {
    this.#stop('normal', 'You left.')
    this.#rpc?.drop(1000)
  }

  /** The server's clock, in milliseconds since 1970. */
  serverNow(): number {
    return Date.now() + this.#clock.offset
  }

  /** The median round trip in milliseconds; undefined before it is known. */
  get latency(): number | undefined {
    return this.#clock.rtt
  }

  get promotions(): Promotion[] {
    return [...this.#promotions.values()]
  }

  async rooms(): Promise<RoomInfo[]> {
    return ((await this.#call('room.list', {})) as { rooms: RoomInfo[] }).rooms
  }

  /** Joins a room and stays in it, over all reconnects, until leave. */
  join(room: string, handlers: RoomHandlers): { leave(): void; command(command: object): Promise<CommandResult>; say(text: string): Promise<void> } {
    const state = new RoomState(room, handlers)
    this.#rooms.set(room, state)
    if (this.state.is === 'open') void this.#enter(state)
    return {
      leave: () => {
        if (this.#rooms.get(room) !== state) return
        this.#rooms.delete(room)
        void this.#call('room.leave', { room }).catch(() => undefined)
      },
      command: (command) => this.command(room, command),
      say: async (text) => {
        await this.#call('chat.send', { room, text })
      },
    }
  }

  /**
   * Gives a command to a room that was joined. It is resent until it is answered; the promise
   * is rejected with the refusal, or with `timeout` when nobody answered in time (it may then
   * still have counted: the room's events tell).
   */
  command(room: string, command: object, id: string = crypto.randomUUID()): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      const c: Command = {
        room, id, command, resolve, reject, attempt: 0, flying: false,
        deadline: Date.now() + (this.#options.commandTimeoutMs ?? 60_000),
      }
      this.#commands.set(id, c)
      this.#send(c)
    })
  }

  async #connect(): Promise<void> {
    if (this.state.is === 'stopped') return
    let token: string
    try {
      token = typeof this.#options.token === 'string' ? this.#options.token : await this.#options.token()
    } catch (err) {
      this.#again('token_unavailable', err instanceof Error ? err.message : String(err))
      return
    }
    if ((this.state as State).is === 'stopped') return // closed while the token was fetched
    const base = this.#options.url ?? location.origin
    const url = new URL('/ws', base)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    const Socket = this.#options.WebSocket ?? (globalThis.WebSocket as unknown as SocketConstructor)
    const rpc = new Rpc(Socket, url.href, ['pitboss.v1', `bearer.${token}`], {
      open: () => this.#opened(rpc),
      push: (method, params) => this.#push(rpc, method, params),
      closed: (code, opened) => void this.#closed(rpc, code, opened, token),
    })
    this.#rpc = rpc
  }

  #opened(rpc: Rpc): void {
    this.#attempt = 0
    this.#retryAfter = undefined
    clearInterval(this.#watch)
    let pinged = 0
    this.#watch = setInterval(() => {
      const beat = this.welcome?.heartbeat_ms ?? 15_000
      if (Date.now() - rpc.lastHeard > 2 * beat) {
        rpc.drop(1006)
        return
      }
      if (Date.now() - pinged >= Math.min(pingEveryMs, beat)) {
        pinged = Date.now()
        void this.#ping(rpc)
      }
      this.#expire()
    }, 1000)
    void this.#ping(rpc)
    this.#set({ is: 'open' })
    for (const state of this.#rooms.values()) void this.#enter(state)
  }

  async #ping(rpc: Rpc): Promise<void> {
    const sent = Date.now()
    try {
      const { time } = (await rpc.call('ping', {})) as { time: string }
      this.#clock.add(sent, Date.now(), Date.parse(time))
      if (this.latency !== undefined) this.emit('latency', this.latency)
    } catch {
      // the socket ended, which is handled there, or the server is busy
    }
  }

  #push(rpc: Rpc, method: string, params: unknown): void {
    if (rpc !== this.#rpc) return
    switch (method) {
      case 'session.welcome': {
        const w = params as Welcome
        this.welcome = w
        this.#lobby = new RoomState(w.lobby, this.#lobbyHandlers())
        this.#clock.hint(Date.now(), Date.parse(w.time))
        this.#renewBefore(rpc, w.expires_at)
        this.emit('welcome', w)
        return
      }
      case 'session.closing': {
        this.#retryAfter = (params as Closing).retry_after_ms
        return
      }
      case 'room.event':
        this.#event(params as RoomEvent)
        return
      case 'room.resync': {
        const r = params as Place & { room: string; view: unknown }
        this.#find(r.room)?.resync(r, r.view)
        return
      }
      case 'room.beat': {
        const b = params as Place & { room: string }
        const state = this.#find(b.room)
        if (state && !state.beat(b.seq)) void this.#enter(state)
        return
      }
      case 'promotion.published':
      case 'promotion.withdrawn': {
        const e = params as RoomEvent
        if (e.seq === 0) this.#publish(e.data as Promotion)
        else this.#event(e)
        return
      }
      case 'wallet.balance': {
        const b = params as Balance
        if (this.balance && b.version < this.balance.version) return
        this.balance = b
        this.emit('balance', b)
        return
      }
      case 'chat.message': {
        const m = params as ChatMessage
        this.#find(m.room)?.say(m)
        return
      }
      case 'lobby.presence':
        this.presence = params as Presence
        this.emit('presence', this.presence)
    }
  }

  #find(room: string): RoomState | undefined {
    return this.#lobby?.room === room ? this.#lobby : this.#rooms.get(room)
  }

  #event(e: RoomEvent): void {
    const state = this.#find(e.room)
    // While a join is on its way, what comes is older than its answer, or comes after it.
    if (state && !state.joining && !state.take(e)) void this.#enter(state)
  }

  #lobbyHandlers(): RoomHandlers {
    return {
      view: (view) => {
        const active = (view as { promotions: Promotion[] }).promotions
        this.#promotions = new Map(active.map((p) => [p.id, p]))
        this.emit('promotions', this.promotions)
      },
      event: (e) => {
        if (e.type === 'promotion.published') this.#publish(e.data as Promotion)
        else if (e.type === 'promotion.withdrawn' || e.type === 'promotion.ended') this.#withdraw((e.data as { id: string }).id)
      },
    }
  }

  #publish(p: Promotion): void {
    if (Date.parse(p.ends_at) <= this.serverNow()) return
    const known = this.#promotions.has(p.id)
    this.#promotions.set(p.id, p)
    this.emit('promotions', this.promotions)
    if (!known) this.emit('published', p)
  }

  #withdraw(id: string): void {
    if (this.#promotions.delete(id)) this.emit('promotions', this.promotions)
  }

  #expire(): void {
    for (const p of this.#promotions.values()) if (Date.parse(p.ends_at) <= this.serverNow()) this.#withdraw(p.id)
  }

  /** Joins a room, from where it was, and then sends its open commands. */
  async #enter(state: RoomState): Promise<void> {
    const rpc = this.#rpc
    if (!rpc || state.joining) return
    state.joining = true
    try {
      const params = state.place && state.place.seq > 0 ? { room: state.room, resume: state.place } : { room: state.room }
      const result = (await rpc.call('room.join', params)) as JoinResult
      state.joined(result)
      this.#resend(state.room)
    } catch (err) {
      state.joining = false
      const e = err as PitbossError
      if (e.code === 'disconnected') return // the next socket joins again
      if (retryCodes.has(e.code)) {
        setTimeout(() => {
          if (this.#find(state.room) === state) void this.#enter(state)
        }, backoff(3))
        return
      }
      this.#rooms.delete(state.room)
      state.handlers.lost?.(e.code, e.message)
    }
  }

  #resend(room: string): void {
    for (const c of this.#commands.values()) if (c.room === room && !c.flying) this.#send(c)
  }

  #send(c: Command): void {
    clearTimeout(c.timer)
    if (Date.now() >= c.deadline) {
      this.#commands.delete(c.id)
      c.reject(new PitbossError('timeout', 'Nobody answered in time. The table shows what counted.'))
      return
    }
    const rpc = this.#rpc
    const state = this.#rooms.get(c.room)
    if (!rpc || this.state.is !== 'open' || !state || state.joining) {
      // Sent when the room is joined again; until then only the deadline counts.
      c.timer = setTimeout(() => this.#send(c), Math.max(1, Math.min(1000, c.deadline - Date.now())))
      return
    }
    c.flying = true
    rpc.call('room.command', { room: c.room, command_id: c.id, command: c.command }).then(
      (result) => {
        this.#commands.delete(c.id)
        c.resolve(result as CommandResult)
      },
      (e: PitbossError) => {
        c.flying = false
        if (e.code === 'disconnected' || e.code === 'not_joined' || retryCodes.has(e.code)) {
          c.timer = setTimeout(() => this.#send(c), 50 + backoff(c.attempt++, Math.random, 100, 2000))
          return
        }
        this.#commands.delete(c.id)
        c.reject(e)
      },
    )
  }

  async #closed(rpc: Rpc, code: number, opened: boolean, token: string): Promise<void> {
    if (rpc !== this.#rpc || this.state.is === 'stopped') return
    this.#rpc = undefined
    clearInterval(this.#watch)
    clearTimeout(this.#renewing)
    for (const state of this.#rooms.values()) state.joining = false
    const meaning = closeCode(code)
    if (opened) {
      // With somebody to ask for a token, an expired one is no reason to stop.
      const fresh = meaning.name === 'token_expired' && typeof this.#options.token === 'function'
      if (meaning.reconnect || fresh) this.#again(meaning.name)
      else this.#stop(meaning.name, reasons[meaning.name] ?? 'The connection was closed.')
      return
    }
    const why = await this.#whyNot(token)
    if (this.state.is as string === 'stopped') return
    if (why) this.#stop(why.code, why.message)
    else this.#again('unreachable')
  }

  /** A browser does not say why a socket was refused; the same token is asked about over HTTP. */
  async #whyNot(token: string): Promise<{ code: string; message: string } | undefined> {
    try {
      const res = await (this.#options.fetch ?? fetch)(new URL('/v1/session', this.#options.url ?? location.origin), {
        headers: { Authorization: `Bearer ${token}` },
      })
      if (res.ok || res.status >= 500 || res.status === 429) return undefined
      const body = (await res.json()) as { error?: { code: string; message: string } }
      return body.error
    } catch {
      return undefined // nobody there: try again
    }
  }

  #again(reason: string, _message?: string): void {
    const asked = this.#retryAfter
    this.#retryAfter = undefined
    const inMs = asked !== undefined ? asked + backoff(0) : backoff(this.#attempt)
    this.#attempt++
    this.#set({ is: 'reconnecting', inMs, reason })
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#connect(), inMs)
  }

  #stop(reason: string, message: string): void {
    if (this.state.is === 'stopped') return
    clearTimeout(this.#timer)
    clearInterval(this.#watch)
    clearTimeout(this.#renewing)
    this.#set({ is: 'stopped', reason, message })
    for (const c of this.#commands.values()) {
      clearTimeout(c.timer)
      c.reject(new PitbossError('disconnected', 'The connection was closed. The table shows what counted.'))
    }
    this.#commands.clear()
  }

  #renewBefore(rpc: Rpc, expiresAt: string): void {
    clearTimeout(this.#renewing)
    const get = this.#options.token
    if (typeof get === 'string') return
    const left = Date.parse(expiresAt) - this.serverNow()
    this.#renewing = setTimeout(
      () => {
        void (async () => {
          try {
            const r = (await rpc.call('session.renew', { token: await get() })) as { expires_at: string }
            this.#renewBefore(rpc, r.expires_at)
          } catch {
            // the socket closes at its time, and the next one starts with a fresh token
          }
        })()
      },
      Math.min(2 ** 31 - 1, Math.max(1000, left * 0.8)),
    )
  }

  #call(method: string, params: object): Promise<unknown> {
    return this.#rpc?.call(method, params) ?? Promise.reject(new PitbossError('disconnected', 'There is no connection.'))
  }

  #set(state: State): void {
    this.state = state
    this.emit('state', state)
  }
}

const reasons: Record<string, string> = {
  normal: 'You left.',
  superseded: 'You are playing in another window.',
  token_expired: 'Your session has ended. Open the game again from the casino.',
  revoked: 'Your session was ended by the casino.',
  tenant_suspended: 'The casino is closed.',
}
