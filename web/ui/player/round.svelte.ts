import { prefersReducedMotion } from 'svelte/motion'
import { PitbossError, type RoomEvent } from '../client/src/index.js'
import type { EventOf, RoundCommand, RoundEvents, RoundTotals, RoundView, Seat, Stake } from '../client/src/round.js'
import type { TableRoom } from '../shared/games'
import { formatMoney } from '../shared/money'
import { add, listed, Others, type Stakes } from '../shared/stakes'
import { m } from '../shared/messages'
import { type Asked, doubtOf, inSentence, stakesOf, type Verdict } from './asked'
import { noAnswers } from './unanswered'

/** What a round brought this player. */
export interface Outcome {
  round: number
  staked: number
  payout: number
}

/** A seed that is public, and the rounds that it decided: from since to round. */
export interface Proof {
  round: number
  since: number
  seed: string
}

/** The list of who has bet is written anew at most this often, however many bet. */
const seatsEveryMs = 500

/** An outcome is not seen if it was on the table for longer than this, and is told here with the next round: the connection was lost or stalled. */
const seenMs = 200

/**
 * RoundTable is a table of a round game as this player sees it: the server's view, and the events
 * since. A game's own class adds what its view and events have beside what all round games do: it
 * overrides show and heard, and its constructor calls listen after super, when its members are there.
 */
export class RoundTable<View extends RoundView<string>, Event extends RoomEvent> {
  phase = $state<View['phase'] | ''>('')
  settings = $state<View['settings']>()
  round = $state(0)
  commitment = $state('')
  /** The earlier round that committed to the seed, if the seed serves several rounds. */
  since = $state<number>()
  closesAt = $state<number>()
  closing = $state(false)
  /** What the other players have on the table. */
  others = $state.raw<Stakes>({})
  /** The other players with bets, those with the most first. */
  seats = $state.raw<Seat[]>([])
  mine = $state<Stakes>({})
  outcome = $state<Outcome>()
  /** What each of this player's positions was paid in the round, once it is settled. */
  paid = $state.raw<Stakes>({})
  /** The position that a bet of this player's was put on last, and what lies on it since. */
  placed = $state.raw<Stake>()
  /** What this player still has on the table since bets were taken back last. */
  takenBack = $state.raw<{ left: number }>()
  /** What the round before brought this player, while the next one takes bets. */
  before = $state.raw<Outcome>()
  /** Whether the round's outcome may be told: a game that shows how it comes about tells nothing before that has ended, unless motion is unwanted. */
  readonly told = $derived(this.phase === 'settled' || this.phase === 'ended' || prefersReducedMotion.current)
  /** The seed of the round, once it is public and the outcome is told. */
  seed = $state<string>()
  /** The last seed that is public, of rounds whose outcome is told. */
  lastProof = $state.raw<Proof>()
  #untold: Proof | undefined // of the round whose outcome still comes about
  #asked = $state.raw<readonly Asked[]>([])
  /** Commands are late too while nobody answers and no clock is seen: it may run, and end, where it is not seen. */
  readonly #unanswered = $derived.by(() => (!this.room.connected && this.phase === 'betting' && this.closesAt === undefined ? this.#asked.map((a) => ({ ...a, late: true })) : this.#asked))
  /** The bets that were given and not answered yet, while their round takes bets. */
  readonly pending = $derived(stakesOf(this.#unanswered, false))
  /** Those whose round may take no more bets: only an answer says whether they count. */
  readonly unknown = $derived(stakesOf(this.#unanswered, true))
  /** Says in words what is not known; empty if nothing is. */
  readonly doubt = $derived(doubtOf(this.#unanswered))
  #verdicts: Verdict[] = [] // of one round
  #voided = 0 // the last round that was: what counted in it was given back
  #deadline: ReturnType<typeof setTimeout> | undefined
  #previous = $state<Stake[]>([])
  #refused = '' // what is said of a command of this round
  #settled = { at: 0, heard: 0 } // when the outcome came about, and when it was heard
  #others = new Others()
  #seats = new Map<number, Seat>()
  #listing: ReturnType<typeof setTimeout> | undefined
  #listedAt = 0

  constructor(protected readonly room: TableRoom) {}

  get staked(): number {
    return Object.values(this.mine).reduce((a, b) => a + b, 0)
  }

  get open(): boolean {
    return this.room.connected && this.phase === 'betting' && (this.closesAt === undefined || this.closesAt > this.room.serverNow())
  }

  get canRebet(): boolean {
    return this.open && this.#previous.length > 0 && this.staked === 0 && this.#asked.length === 0
  }

  /** Stops the timers that are left. */
  leave(): void {
    clearTimeout(this.#listing)
    clearTimeout(this.#deadline)
  }

  async place(bets: Stake[]): Promise<void> {
    await this.#command({ type: 'bet', round: this.round, bets })
  }

  undo = (): Promise<void> => this.#command({ type: 'undo', round: this.round })
  clear = (): Promise<void> => this.#command({ type: 'clear', round: this.round })

  async rebet(): Promise<void> {
    if (this.canRebet) await this.place(this.#previous)
  }

  async double(): Promise<void> {
    if (this.staked > 0) await this.place(listed(this.mine))
  }

  /** Listens to the room. Its last view is shown before listen returns. */
  protected listen(): void {
    this.room.listen<View, Event, RoundTotals>({
      view: (view, place) => {
        this.#show(view, place.seq)
        this.show(view)
        this.#look()
      },
      event: (event) => {
        this.#apply(event as EventOf<RoundEvents>)
        this.heard(event)
        this.#look()
      },
      totals: ({ round, totals }, seq) => this.summed(round, totals, seq),
    })
  }

  /** Takes over what the game's own members of a view say; what all round games have is taken already. */
  protected show(_view: View): void {}

  /** Applies what is the game's own in an event, of its own types or of those of all round games; what all have is applied already. */
  protected heard(_event: Event): void {}

  /** Takes newer sums of what all players have staked in a round: an event of the game's own may have them too. */
  protected summed(round: number, totals: readonly Stake[], seq: number): void {
    if (round !== this.round) return
    this.#others.told(seq, totals)
    this.others = this.#others.stakes
  }

  /**
   * Shows the seed of the round, and of those before it from since on, as soon as the outcome is told: an event of the game's own
   * may have it too.
   */
  protected reveal(round: number, seed: string, since = round): void {
    this.#untold = { round, since, seed }
    if (this.told) this.#tell()
  }

  /** Shows a seed that was kept until the outcome is told. */
  #tell(): void {
    if (!this.#untold) return
    if (this.#untold.round === this.round) this.seed = this.#untold.seed
    this.lastProof = this.#untold
    this.#untold = undefined
  }

  /** Gives a command. What comes of it is told by the events; until it is answered, it is kept in sight. */
  async #command(command: RoundCommand): Promise<void> {
    const asked: Asked = { command, late: false }
    this.#asked = [...this.#asked, asked]
    this.#look()
    const answer = await this.room.command(command)
    const late = this.#asked.find((a) => a.command === command)?.late
    this.#asked = this.#asked.filter((a) => a.command !== command)
    if (!late) {
      if (answer instanceof PitbossError) this.#refused = this.room.message
      return
    }
    if (!(answer instanceof PitbossError)) this.#judge({ command })
    else if (!noAnswers.has(answer.code)) this.#judge({ command, refused: this.room.words(answer) })
  }

  /** Finds the commands whose round takes no more bets, now and when its clock ends. */
  #look(): void {
    clearTimeout(this.#deadline)
    if (this.#asked.length === 0) return
    const left = this.phase !== 'betting' ? 0 : this.closesAt === undefined ? undefined : this.closesAt - this.room.serverNow()
    const late = (a: Asked): boolean => a.late || a.command.round !== this.round || (left !== undefined && left <= 0)
    if (this.#asked.some((a) => !a.late && late(a))) this.#asked = this.#asked.map((a) => (late(a) ? { ...a, late: true } : a))
    if (left !== undefined && this.#asked.some((a) => !a.late)) this.#deadline = setTimeout(() => this.#look(), left)
  }

  /** Says what came of a command that was answered late, if the table does not show it. */
  #judge(verdict: Verdict): void {
    const { round } = verdict.command
    if (this.#verdicts[0]?.command.round !== round) this.#verdicts = []
    this.#verdicts.push(verdict)
    const shown = round === this.round || round === this.#voided
    if (!shown || this.#verdicts.some((v) => v.refused !== undefined)) this.room.message = inSentence(this.#verdicts, (minor) => formatMoney(minor, this.room.exponent))
  }

  #show(v: View, seq: number): void {
    if (v.round > this.round && this.staked > 0) this.#previous = listed(this.mine)
    this.phase = v.phase
    this.settings = v.settings
    this.round = v.round
    this.commitment = v.commitment ?? ''
    this.since = v.since
    this.closesAt = v.closes_at ? Date.parse(v.closes_at) : undefined
    this.seed = this.#untold = undefined
    if (v.seed) this.reveal(v.round, v.seed, v.since)
    this.closing = v.closing ?? false
    this.mine = add({}, v.mine.bets)
    this.#others.reset(seq, v.totals, v.mine.bets)
    this.others = this.#others.stakes
    this.#seats = new Map(v.seats.filter((s) => s.seat !== v.mine.seat).map((s) => [s.seat, s]))
    this.#list()
    const { staked, payout } = v.mine
    this.outcome = v.phase === 'settled' && payout !== undefined && staked > 0 ? { round: v.round, staked, payout } : undefined
    this.paid = {}
    this.before = undefined
    if (v.mine.staked > 0 && v.phase !== 'settled') this.room.staked(v.round)
    if (this.outcome) this.room.seen(v.round)
    this.room.playing(v.round)
  }

  #apply(e: EventOf<RoundEvents>): void {
    switch (e.type) {
      case 'round.opened':
        if (this.room.message === this.#refused) this.room.message = '' // it lies over the board
        if (this.staked > 0) this.#previous = listed(this.mine)
        this.phase = 'betting'
        this.round = e.data.round
        this.commitment = e.data.commitment
        this.since = e.data.since
        this.before = this.outcome
        if (this.outcome && Date.parse(e.at) - this.#settled.at > seenMs && Date.now() - this.#settled.heard < seenMs) {
          this.room.staked(this.outcome.round)
          this.room.playing(e.data.round)
        }
        this.closesAt = this.seed = this.outcome = undefined
        this.#sweep(e.seq)
        return
      case 'betting.started':
        this.closesAt = Date.parse(e.data.closes_at)
        return
      case 'betting.stopped':
        this.closesAt = undefined
        this.#sweep(e.seq) // nobody had a bet, and seats are numbered anew
        return
      case 'bet.placed':
      case 'bet.removed':
        this.#bet(e.seq, e.data, e.type === 'bet.placed' ? 1 : -1)
        return
      case 'round.settled': {
        const { round, mine } = e.data
        this.phase = 'settled'
        this.room.seen(round)
        this.#tell()
        if (mine) {
          this.outcome = { round, staked: mine.staked, payout: mine.payout }
          this.#settled = { at: Date.parse(e.at), heard: Date.now() }
          this.paid = Object.fromEntries(mine.bets.map((b) => [b.position, b.payout]))
        }
        return
      }
      case 'round.voided':
        this.phase = 'settled'
        this.#voided = e.data.round
        this.room.seen(e.data.round)
        if (e.data.seed) this.reveal(e.data.round, e.data.seed, this.since)
        this.room.message = m.round_void({ round: e.data.round, reason: e.data.reason })
        this.#sweep(e.seq)
        return
      case 'seed.revealed': // no round that it decided is still to be told
        this.reveal(e.data.round, e.data.seed, e.data.since)
        this.#tell()
        return
      case 'deadline.moved':
        if (this.phase === 'betting') this.closesAt = Date.parse(e.data.until)
        return
      case 'room.closing':
        this.closing = true
        return
      case 'room.closed':
        this.phase = 'ended'
    }
  }

  /** A bet, or one that was given back (sign -1). Of another player's, the positions come with the totals. */
  #bet(seq: number, bet: RoundEvents['bet.placed'], sign: 1 | -1): void {
    if (bet.mine) {
      this.mine = add(this.mine, bet.bets, sign)
      this.#others.own(seq, bet.bets, sign)
      const last = bet.bets.at(-1)
      if (this.staked > 0) this.room.staked(this.round)
      else this.room.seen(this.round)
      if (sign > 0 && last) this.placed = { position: last.position, amount: this.mine[last.position] ?? 0 }
      if (sign < 0) this.takenBack = { left: this.staked }
      return
    }
    const { name = m.seat_name({ seat: bet.seat }), staked = 0 } = this.#seats.get(bet.seat) ?? {}
    this.#seats.set(bet.seat, { seat: bet.seat, name: bet.name ?? name, staked: staked + sign * bet.sum })
    this.#list()
  }

  /** Takes everything off the table. */
  #sweep(seq: number): void {
    this.mine = {}
    this.paid = {}
    this.others = {}
    this.#others.reset(seq)
    this.#seats.clear()
    this.seats = []
  }

  #list(): void {
    if (this.#listing !== undefined) return
    this.#listing = setTimeout(() => {
      this.#listing = undefined
      this.#listedAt = Date.now()
      this.seats = [...this.#seats.values()].filter((s) => s.staked > 0).sort((a, b) => b.staked - a.staked)
    }, Math.max(0, this.#listedAt + seatsEveryMs - Date.now()))
  }
}
