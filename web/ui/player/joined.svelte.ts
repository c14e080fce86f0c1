import type { ChatMessage, CommandResult, PitbossError, Room, RoomEvent } from '../client/src/index.js'
import type { MissedRound, TableHandlers, TableRoom } from '../shared/games'
import { m } from '../shared/messages'
import { formatMoney } from '../shared/money'
import { inWords } from '../shared/words'
import type { Session } from './session.svelte'
import { Missed } from './missed'
import { noAnswers, Unanswered } from './unanswered'

type Handlers = TableHandlers<unknown, RoomEvent, unknown>

/** JoinedRoom is a room that this page is in, of whatever game: its chat, and what its table is told. */
export class JoinedRoom implements TableRoom {
  chat = $state<ChatMessage[]>([])
  /** What the player is writing; it stays until it was taken. */
  draft = $state('')
  /** Why the last line was not taken, in words. */
  chatError = $state('')
  message = $state('')
  /** Why the room is not there any more. */
  gone = $state<string>()
  /** Whether there was a view. */
  viewed = $state(false)
  /** The game, if a view named it. */
  game = $state('')
  #saying = false
  #table: Handlers | undefined
  #waiting: ((table: Handlers) => void)[] = [] // what was told before there was a table, from the last view on
  #handle: Room
  readonly #unanswered: Unanswered
  missed = $state.raw<MissedRound>()

  constructor(
    private readonly session: Session,
    readonly room: string,
  ) {
    this.#unanswered = new Unanswered(room)
    if (this.#unanswered.left) this.message = m.was_unanswered()
    this.#handle = session.line.join<unknown, RoomEvent, object, unknown>(room, {
      view: (view, place) => {
        this.#waiting = []
        this.#tell((t) => t.view(view, place))
        this.viewed = true
        const { game } = (view ?? {}) as { game?: unknown }
        if (typeof game === 'string') this.game = game
      },
      event: (e) => this.#tell((t) => t.event(e)),
      totals: (totals, seq) => this.#tell((t) => t.totals?.(totals, seq)),
      chat: (m) => (this.chat = [...this.chat.slice(-99), m]),
      lost: (code, message) => (this.gone = inWords({ code, message })),
    })
  }

  get exponent(): number {
    return this.session.exponent
  }

  get connected(): boolean {
    return this.session.state.is === 'open' && !this.session.silent
  }

  get silent(): boolean {
    return this.session.silent
  }

  get observer(): boolean {
    return this.session.welcome !== undefined && this.session.welcome.role !== 'player'
  }

  serverNow = (): number => this.session.line.serverNow()

  listen<View, Event extends RoomEvent, Totals>(table: TableHandlers<View, Event, Totals>): void {
    this.#table = table as unknown as Handlers
    const waiting = this.#waiting
    this.#waiting = []
    for (const tell of waiting) tell(this.#table)
  }

  position = (id: string): string => id
  words = (err: unknown): string => inWords(err, { money: (minor) => formatMoney(minor, this.exponent), position: (id) => this.position(id) })

  async command(command: object): Promise<CommandResult | PitbossError> {
    this.message = ''
    this.#unanswered.asked()
    try {
      const result = await this.#handle.command(command)
      this.#unanswered.answered()
      return result
    } catch (err) {
      if (!noAnswers.has((err as PitbossError).code)) this.#unanswered.answered()
      this.message = this.words(err)
      return err as PitbossError
    }
  }

  /** Says the draft in the room; once, however long the answer takes. */
  async say(): Promise<void> {
    const line = this.draft.trim()
    if (!line || this.#saying) return
    this.#saying = true
    this.chatError = ''
    try {
      await this.#handle.say(line)
      if (this.draft.trim() === line) this.draft = ''
    } catch (err) {
      this.chatError = inWords(err)
    } finally {
      this.#saying = false
    }
  }

  staked = (round: number): void => this.#missed?.staked(round)

  seen(round: number): void {
    this.#missed?.seen(round)
    if (this.missed && this.missed.round < round) this.missed = undefined
  }

  playing(round: number): void {
    const missed = this.#missed?.of(round)
    if (missed !== undefined) void this.#lookUp(missed)
  }

  leave(): void {
    this.#waiting = []
    this.#handle.leave()
  }

  get #missed(): Missed | undefined {
    const player = this.session.welcome?.player
    return player === undefined ? undefined : new Missed(player, this.room)
  }

  /** Asks what came of a round. Who is not told here finds it in the history. */
  async #lookUp(round: number): Promise<void> {
    try {
      const { rounds } = await this.session.line.history.rounds({ limit: 50 })
      const found = rounds.find((r) => r.room === this.room && r.round === round)
      if (found && found.state !== 'open') this.missed = { round, state: found.state, staked: found.staked, payout: found.payout + found.refund }
    } catch {
      // the history has it
    }
  }

  #tell(tell: (table: Handlers) => void): void {
    if (this.#table) tell(this.#table)
    else this.#waiting.push(tell)
  }
}
