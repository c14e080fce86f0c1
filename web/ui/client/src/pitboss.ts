import { pause } from './backoff.js'
import { Commands } from './commands.js'
import { Emitter } from './emitter.js'
import { Link, type Options, type State } from './link.js'
import { Promotions } from './promotions.js'
import {
  type Balance, type Briefs, type BriefsNews, type ChatMessage, type CommandResult, type HistoryPage, type HistoryRounds, type HistoryTransactions, type JoinResult, PitbossError,
  type Place, type Presence, type PresenceNews, type Promotion, type RoomEvent, type RoomInfo, type Watchable, type Welcome, retryCodes, roomsAfter,
} from './protocol.js'
import { type RoomHandlers, RoomState } from './room.js'

export interface Events {
  state: State
  welcome: Welcome
  balance: Balance
  promotions: Promotion[]
  published: Promotion
  /** Rooms that opened, changed or closed; see roomsAfter. */
  rooms: RoomInfo[]
  presence: Presence
  /** What goes on at the tables, at most once a second, while no room is joined: briefs that did not change are the same objects. */
  briefs: Briefs
  /** Something of these kinds has changed, or may have; see Pitboss.watch. */
  changed: readonly Watchable[]
  latency: number
  /**
   * The connection is open, and nothing came over it for 2.5 s after a ping (true), or something
   * does again, or it has ended (false). While a board is open, 2 s of silence are pinged into.
   */
  silent: boolean
}

/** A seat at a room, kept over all reconnects. */
export interface Room<Command extends object = object> {
  leave(): void
  /** See Pitboss.command. */
  command(command: Command): Promise<CommandResult>
  say(text: string): Promise<void>
}

/**
 * Pitboss is one player's (or operator's) line to a casino. It comes back by itself, resumes
 * every room where it was, and resends commands that were not answered under their own id, so
 * that each counts once.
 */
export class Pitboss extends Emitter<Events> {
  #options: Options
  #link: Link
  #rooms = new Map<string, RoomState>()
  #lobby: RoomState | undefined
  #commands: Commands
  #promotions: Promotions
  #watched: readonly Watchable[] = []
  #watching = 0 // how often watch was asked for, over whatever sockets
  #listing = new Set<RoomInfo[]>() // what changed while each room.list is on its way
  welcome: Welcome | undefined
  balance: Balance | undefined
  #balanceSeen = 0 // the highest version on this socket
  presence: Presence | undefined
  briefs: Briefs = {}
  /** Whether the server tells of the changes of what is watched. */
  watches = false
  /** What became of the player's money, in pages: give the `next` of one as the `cursor` of the one after. */
  readonly history = {
    rounds: (page: HistoryPage = {}): Promise<HistoryRounds> => this.#ask('history.rounds', page) as Promise<HistoryRounds>,
    transactions: (page: HistoryPage = {}): Promise<HistoryTransactions> => this.#ask('history.transactions', page) as Promise<HistoryTransactions>,
  }

  constructor(options: Options) {
    super()
    this.#options = options
    this.#link = new Link(options, {
      state: (s) => this.#state(s),
      latency: (ms) => this.emit('latency', ms),
      silent: (silent) => this.emit('silent', silent),
      watched: () => [...this.#rooms.values()].some((r) => r.here && r.board.open(this.serverNow())),
      up: () => {
        this.#down()
        for (const room of this.#rooms.values()) void this.#enter(room)
        if (this.#watched.length > 0) void this.#watch()
      },
      down: () => this.#down(),
      push: (method, params) => this.#push(method, params),
    })
    this.#promotions = new Promotions(() => this.serverNow(), {
      changed: () => this.emit('promotions', this.promotions),
      published: (p) => this.emit('published', p),
    })
    this.#commands = new Commands((room, id, command) => {
      const state = this.#rooms.get(room)
      if (this.state.is !== 'open' || !state?.here) return undefined
      return this.#link.call('room.command', { room, command_id: id, command }).catch((err: PitbossError) => {
        // The server does not have us in the room: it is joined again before the command is resent.
        if (err.code === 'not_joined') {
          state.here = false
          void this.#enter(state)
        }
        throw err
      })
    })
  }

  get state(): State {
    return this.#link.state
  }

  /** Whether the connection is open and nobody answers over it: what is shown may be old. */
  get silent(): boolean {
    return this.#link.silent
  }

  /** The median round trip in milliseconds; undefined before it is known. */
  get latency(): number | undefined {
    return this.#link.clock.rtt
  }

  get promotions(): Promotion[] {
    return this.#promotions.list
  }

  /** Starts connecting. Call it once, after listeners are in place. */
  connect(): this {
    void this.#link.connect()
    return this
  }

  /** Says goodbye. Nothing reconnects after it. */
  close(): void {
    this.#link.close()
  }

  /** The server's clock, in milliseconds since 1970. */
  serverNow(): number {
    return this.#link.now()
  }

  /** The rooms that are open. Ask on every 'open', and keep it up to date with 'rooms' and roomsAfter. */
  async rooms(): Promise<RoomInfo[]> {
    const changed: RoomInfo[] = []
    this.#listing.add(changed)
    try {
      const { rooms } = (await this.#ask('room.list')) as { rooms: RoomInfo[] }
      return roomsAfter(rooms, changed)
    } finally {
      this.#listing.delete(changed)
    }
  }

  /** Asks for the balance, which is otherwise told when it changes. */
  async askBalance(): Promise<Balance> {
    const b = (await this.#ask('wallet.balance')) as Balance
    this.#balance(b)
    return this.balance ?? b
  }

  /**
   * Has staff be told by `changed` when something of these kinds changes, over all reconnects, instead of those before. It is told at once
   * of each that was not watched over this socket yet: whoever reads after each `changed` misses nothing.
   */
  watch(of: readonly Watchable[]): void {
    this.#watched = of
    if (this.state.is === 'open') void this.#watch()
  }

  async #watch(): Promise<void> {
    const mine = ++this.#watching
    for (let attempt = 0; mine === this.#watching; attempt++) {
      try {
        await this.#link.call('staff.watch', { of: this.#watched })
        if (mine === this.#watching) this.watches = this.#watched.length > 0
        return
      } catch (err) {
        if (!retryCodes.has((err as PitbossError).code)) { // the next socket asks again, if the server has it
          if (mine === this.#watching) this.watches = false
          return
        }
        await new Promise((resolve) => setTimeout(resolve, pause(attempt)))
      }
    }
  }

  /** Joins a room and stays in it, over all reconnects, until leave. */
  join<View = unknown, Event = RoomEvent, Command extends object = object, Totals = unknown>(
    room: string,
    handlers: RoomHandlers<View, Event, Totals>,
  ): Room<Command> {
    const state = new RoomState(room, handlers as RoomHandlers)
    this.#rooms.set(room, state)
    if (this.state.is === 'open') void this.#enter(state)
    return {
      leave: () => {
        if (this.#rooms.get(room) !== state) return
        this.#rooms.delete(room)
        state.away()
        this.#link.call('room.leave', { room }).catch(() => undefined)
        this.#commands.fail(new PitbossError('not_joined', 'You left the room before there was an answer.'), room)
      },
      command: (command) => this.command(room, command),
      say: async (text) => {
        await this.#link.call('chat.send', { room, text })
      },
    }
  }

  /**
   * Gives a command to a room that was joined. It is resent until it is answered; the promise
   * is rejected with the refusal, or with `timeout` when nobody answered in time (it may then
   * still have counted: the room's events tell).
   */
  command(room: string, command: object, id: string = crypto.randomUUID()): Promise<CommandResult> {
    return this.#commands.add(room, command, id, this.#options.commandTimeoutMs ?? 60_000)
  }

  /** Asks until there is an answer: what is not answered for now is asked again. */
  async #ask(method: string, params: object = {}): Promise<unknown> {
    const until = Date.now() + (this.#options.commandTimeoutMs ?? 60_000)
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#link.call(method, params)
      } catch (err) {
        if (!retryCodes.has((err as PitbossError).code) || Date.now() >= until) throw err
        await new Promise((resolve) => setTimeout(resolve, pause(attempt)))
      }
    }
  }

  #down(): void {
    for (const room of this.#rooms.values()) room.away()
    this.#lobby?.away()
    this.#watching++
    this.watches = false
  }

  #state(state: State): void {
    if (state.is === 'stopped') {
      this.#down()
      this.#promotions.stop()
      this.#commands.fail(new PitbossError('disconnected', 'The connection was closed. The table shows what counted.'))
    }
    this.emit('state', state)
  }

  #push(method: string, params: unknown): void {
    switch (method) {
      case 'session.welcome':
        this.welcome = params as Welcome
        this.#balanceSeen = 0 // after the database went back, versions are given out again
        this.#lobby = new RoomState(this.welcome.lobby, this.#lobbyHandlers())
        this.emit('welcome', this.welcome)
        return
      case 'room.event':
        this.#event(params as RoomEvent)
        return
      case 'room.resync': {
        const r = params as Place & { room: string; view: unknown }
        this.#find(r.room)?.resync(r, r.view)
        this.#link.look()
        return
      }
      case 'room.totals': {
        const t = params as Place & { room: string; data: unknown }
        this.#find(t.room)?.total(t.seq, t.data)
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
        if (e.seq === 0) this.#promotions.put(e.data as Promotion)
        else this.#event(e)
        return
      }
      case 'wallet.balance':
        this.#balance(params as Balance)
        return
      case 'chat.message': {
        const m = params as ChatMessage
        this.#find(m.room)?.say(m)
        return
      }
      case 'lobby.rooms': {
        const { rooms } = params as { rooms: RoomInfo[] }
        for (const changed of this.#listing) changed.push(...rooms)
        this.emit('rooms', rooms)
        return
      }
      case 'lobby.presence':
        this.presence = presenceAfter(this.presence, params as PresenceNews)
        this.emit('presence', this.presence)
        return
      case 'staff.changed':
        this.emit('changed', (params as { of: Watchable[] }).of)
        return
      case 'lobby.briefs':
        this.briefs = briefsAfter(this.briefs, params as BriefsNews)
        this.emit('briefs', this.briefs)
    }
  }

  #balance(b: Balance): void {
    if (b.version < this.#balanceSeen) return
    this.#balanceSeen = b.version
    this.balance = b
    this.emit('balance', b)
  }

  #find(room: string): RoomState | undefined {
    return this.#lobby?.room === room ? this.#lobby : this.#rooms.get(room)
  }

  #event(e: RoomEvent): void {
    const state = this.#find(e.room)
    if (state && !state.take(e)) void this.#enter(state)
    this.#link.look()
  }

  #lobbyHandlers(): RoomHandlers {
    return {
      view: (view) => this.#promotions.replace((view as { promotions: Promotion[] }).promotions),
      event: (e) => {
        if (e.type === 'promotion.published') this.#promotions.put(e.data as Promotion)
        else if (e.type === 'promotion.withdrawn' || e.type === 'promotion.ended') this.#promotions.remove((e.data as { id: string }).id)
      },
    }
  }

  /** Joins a room, from where it was, and then sends its open commands. */
  async #enter(state: RoomState): Promise<void> {
    if (state.joining) return
    state.asked()
    try {
      const params = state.place && state.place.seq > 0 ? { room: state.room, resume: state.place } : { room: state.room }
      const result = (await this.#link.call('room.join', params)) as JoinResult
      if (this.#find(state.room) !== state) return // it was left meanwhile
      state.joined(result)
      this.#link.look()
      this.#commands.flush(state.room)
    } catch (err) {
      const e = err as PitbossError
      if (e.code === 'disconnected' || this.#find(state.room) !== state) return // the next socket joins again
      if (retryCodes.has(e.code)) {
        state.refused(() => void this.#enter(state))
        return
      }
      state.away()
      if (this.#rooms.get(state.room) === state) this.#rooms.delete(state.room)
      this.#commands.fail(e, state.room)
      state.handlers.lost?.(e.code, e.message)
    }
  }
}

function presenceAfter(was: Presence | undefined, news: PresenceNews): Presence {
  const rooms = { ...(news.full ? {} : was?.rooms), ...news.rooms }
  for (const [id, players] of Object.entries(rooms)) if (players === 0) delete rooms[id]
  return { online: news.online, rooms }
}

function briefsAfter(was: Briefs, news: BriefsNews): Briefs {
  const briefs = { ...(news.full ? {} : was), ...news.rooms }
  for (const [room, brief] of Object.entries(briefs)) if (brief === null) delete briefs[room]
  return briefs
}
