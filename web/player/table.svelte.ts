import type { ChatMessage, Result, Room, RouletteCommand, RouletteEvent, RouletteSettings, RouletteView, SeatStake, Stake } from '../client/src/index.js'
import { inWords } from '../shared/words'
import type { Session } from './session.svelte'

export interface Outcome {
  round: number
  staked: number
  payout: number
}

type Stakes = Record<string, number>

const add = (to: Stakes, stakes: Stake[], sign = 1): Stakes => {
  const out = { ...to }
  for (const s of stakes) {
    const left = (out[s.position] ?? 0) + sign * s.amount
    if (left > 0) out[s.position] = left
    else delete out[s.position]
  }
  return out
}

const listed = (stakes: Stakes): Stake[] => Object.entries(stakes).map(([position, amount]) => ({ position, amount }))

/** A roulette table as this player sees it: the server's view, and the events since. */
export class Table {
  phase = $state<RouletteView['phase'] | ''>('')
  settings = $state<RouletteSettings>()
  round = $state(0)
  commitment = $state('')
  closesAt = $state<number>()
  settlesAt = $state<number>()
  pocket = $state<number>()
  seed = $state<string>()
  lastProof = $state<{ round: number; seed: string }>()
  closing = $state(false)
  others = $state<SeatStake[]>([])
  mine = $state<Stakes>({})
  pending = $state<Stakes>({})
  results = $state<Result[]>([])
  outcome = $state<Outcome>()
  chat = $state<ChatMessage[]>([])
  message = $state('')
  ready = $state(false)
  gone = $state<string>()
  #previous = $state<Stake[]>([])
  #handle: Room<RouletteCommand>

  constructor(
    private readonly session: Session,
    readonly room: string,
  ) {
    this.#handle = session.line.join<RouletteView, RouletteEvent, RouletteCommand>(room, {
      view: (v) => this.#show(v),
      event: (e) => this.#apply(e),
      chat: (m) => (this.chat = [...this.chat.slice(-99), m]),
      lost: (code, message) => (this.gone = inWords({ code, message })),
    })
  }

  get staked(): number {
    return Object.values(this.mine).reduce((a, b) => a + b, 0)
  }

  get open(): boolean {
    return this.phase === 'betting' && (this.closesAt === undefined || this.closesAt > this.session.line.serverNow())
  }

  get canRebet(): boolean {
    return this.open && this.#previous.length > 0 && this.staked === 0
  }

  leave(): void {
    this.#handle.leave()
  }

  async place(bets: Stake[]): Promise<void> {
    this.pending = add(this.pending, bets)
    await this.#command({ type: 'bet', bets })
    this.pending = add(this.pending, bets, -1)
  }

  undo = (): Promise<void> => this.#command({ type: 'undo' })
  clear = (): Promise<void> => this.#command({ type: 'clear' })

  async rebet(): Promise<void> {
    if (this.canRebet) await this.place(this.#previous)
  }

  async double(): Promise<void> {
    if (this.staked > 0) await this.place(listed(this.mine))
  }

  async say(text: string): Promise<void> {
    try {
      await this.#handle.say(text)
    } catch (err) {
      this.message = inWords(err)
    }
  }

  /** Gives a command. What comes of it is told by the events; a refusal is told here. */
  async #command(command: RouletteCommand): Promise<void> {
    this.message = ''
    try {
      await this.#handle.command(command)
    } catch (err) {
      this.message = inWords(err)
    }
  }

  #show(v: RouletteView): void {
    this.ready = true
    this.phase = v.phase
    this.settings = v.settings
    this.round = v.round
    this.commitment = v.commitment ?? ''
    this.closesAt = v.closes_at ? Date.parse(v.closes_at) : undefined
    this.settlesAt = v.settles_at ? Date.parse(v.settles_at) : undefined
    this.pocket = v.pocket
    this.seed = v.seed
    if (v.seed) this.lastProof = { round: v.round, seed: v.seed }
    this.closing = v.closing ?? false
    this.others = v.bets.filter((b) => b.seat !== v.mine.seat)
    this.mine = add({}, v.mine.bets)
    this.#past(v.results)
    const { staked, payout } = v.mine
    this.outcome = v.phase === 'settled' && payout !== undefined && staked > 0 ? { round: v.round, staked, payout } : undefined
  }

  #apply(e: RouletteEvent): void {
    switch (e.type) {
      case 'round.opened':
        if (this.staked > 0) this.#previous = listed(this.mine)
        this.phase = 'betting'
        this.round = e.data.round
        this.commitment = e.data.commitment
        this.closesAt = this.settlesAt = this.pocket = this.seed = this.outcome = undefined
        this.others = []
        this.mine = {}
        return
      case 'betting.started':
        this.closesAt = Date.parse(e.data.closes_at)
        return
      case 'betting.stopped':
        this.closesAt = undefined
        return
      case 'bet.placed':
        if (e.data.mine) this.mine = add(this.mine, e.data.bets)
        else this.others = [...this.others, ...e.data.bets.map((b) => ({ seat: e.data.seat, name: e.data.name, ...b }))]
        return
      case 'bet.removed':
        if (e.data.mine) this.mine = add(this.mine, e.data.bets, -1)
        else this.others = remove(this.others, e.data.seat, e.data.bets)
        return
      case 'betting.closed':
        this.phase = 'closed'
        return
      case 'wheel.spun':
        this.phase = 'spinning'
        this.pocket = e.data.pocket
        this.seed = e.data.seed
        this.settlesAt = Date.parse(e.data.settles_at)
        this.lastProof = { round: e.data.round, seed: e.data.seed }
        return
      case 'round.settled': {
        const { round, pocket, mine } = e.data
        this.phase = 'settled'
        this.#past([...this.results.slice(-499), { round, pocket }])
        if (mine) this.outcome = { round, staked: mine.staked, payout: mine.payout }
        return
      }
      case 'round.voided':
        this.phase = 'settled'
        this.message = `Round ${e.data.round} is void: ${e.data.reason}. All stakes were given back.`
        this.mine = {}
        this.others = []
        return
      case 'room.closing':
        this.closing = true
        return
      case 'room.closed':
        this.phase = 'ended'
    }
  }

  #past(results: Result[]): void {
    this.results = results
    this.session.seen[this.room] = results.slice(-8)
  }
}

/** Takes a seat's stakes off, the latest first. */
function remove(from: SeatStake[], seat: number, stakes: Stake[]): SeatStake[] {
  const out = from.map((s) => ({ ...s }))
  for (const { position, amount } of stakes) {
    let left = amount
    for (let i = out.length - 1; i >= 0 && left > 0; i--) {
      const s = out[i]!
      if (s.seat !== seat || s.position !== position) continue
      const take = Math.min(left, s.amount)
      s.amount -= take
      left -= take
    }
  }
  return out.filter((s) => s.amount > 0)
}
