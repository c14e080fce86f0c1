import type { ChatMessage, CommandResult, RoomEvent } from '../client/src'
import { inWords } from '../shared/words'
import type { Session } from './session.svelte'

export interface Stake {
  position: string
  amount: number
}

interface SeatStake extends Stake {
  seat: number
  name: string
}

export interface Settings {
  min_bet: number
  max_bet: number
  max_by_kind?: Record<string, number>
  round_min: number
  round_max: number
  betting_ms: number
  la_partage: boolean
}

export interface Outcome {
  round: number
  pocket: number | undefined
  staked: number
  payout: number
}

interface View {
  phase: string
  settings: Settings
  round: number
  commitment: string
  closes_at?: string
  settles_at?: string
  next_at?: string
  pocket?: number
  seed?: string
  closing?: boolean
  bets: SeatStake[]
  mine: { seat?: number; staked: number; bets: Stake[]; payout?: number }
  results: { round: number; pocket: number }[]
}

const add = (to: Record<string, number>, stakes: Stake[], sign = 1): Record<string, number> => {
  const out = { ...to }
  for (const s of stakes) {
    const left = (out[s.position] ?? 0) + sign * s.amount
    if (left > 0) out[s.position] = left
    else delete out[s.position]
  }
  return out
}

/** A roulette table as this player sees it: the server's view, and the events since. */
export class Table {
  phase = $state('')
  settings = $state<Settings>()
  round = $state(0)
  commitment = $state('')
  closesAt = $state<number>()
  settlesAt = $state<number>()
  pocket = $state<number>()
  seed = $state<string>()
  lastProof = $state<{ round: number; seed: string }>()
  closing = $state(false)
  others = $state<SeatStake[]>([])
  mine = $state<Record<string, number>>({})
  pending = $state<Record<string, number>>({})
  results = $state<{ round: number; pocket: number }[]>([])
  outcome = $state<Outcome>()
  chat = $state<ChatMessage[]>([])
  message = $state('')
  ready = $state(false)
  gone = $state<string>()
  #previous: Stake[] = []
  #handle: ReturnType<Session['line']['join']>

  constructor(
    private readonly session: Session,
    readonly room: string,
  ) {
    this.#handle = session.line.join(room, {
      view: (v) => this.#show(v as View),
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

  async place(stakes: Stake[]): Promise<void> {
    this.pending = add(this.pending, stakes)
    try {
      await this.#command({ type: 'bet', bets: stakes })
    } finally {
      this.pending = add(this.pending, stakes, -1)
    }
  }

  undo = (): Promise<void> => this.#command({ type: 'undo' })
  clear = (): Promise<void> => this.#command({ type: 'clear' })

  async rebet(): Promise<void> {
    if (this.canRebet) await this.place(this.#previous)
  }

  async double(): Promise<void> {
    const now = Object.entries(this.mine).map(([position, amount]) => ({ position, amount }))
    if (now.length > 0) await this.place(now)
  }

  async say(text: string): Promise<void> {
    try {
      await this.#handle.say(text)
    } catch (err) {
      this.message = inWords(err)
    }
  }

  async #command(command: object): Promise<void> {
    this.message = ''
    try {
      const r: CommandResult = await this.#handle.command(command)
      void r // the balance comes with its own push
    } catch (err) {
      this.message = inWords(err)
    }
  }

  #show(v: View): void {
    this.ready = true
    this.phase = v.phase
    this.settings = v.settings
    this.round = v.round
    this.commitment = v.commitment
    this.closesAt = v.closes_at ? Date.parse(v.closes_at) : undefined
    this.settlesAt = v.settles_at ? Date.parse(v.settles_at) : undefined
    this.pocket = v.pocket
    this.seed = v.seed
    this.closing = v.closing ?? false
    this.others = v.bets.filter((b) => b.seat !== v.mine.seat)
    this.mine = add({}, v.mine.bets)
    this.results = v.results
    if (v.phase === 'settled' && v.mine.payout !== undefined) {
      this.outcome = { round: v.round, pocket: v.pocket, staked: v.mine.staked, payout: v.mine.payout }
    }
  }

  #apply(e: RoomEvent): void {
    const d = e.data as Record<string, never> & {
      round: number; seat: number; name: string; bets: Stake[]; mine?: boolean | { staked: number; payout: number }
      commitment: string; closes_at: string; settles_at: string; pocket: number; seed: string; reason?: string
    }
    switch (e.type) {
      case 'round.opened':
        if (this.staked > 0) this.#previous = Object.entries(this.mine).map(([position, amount]) => ({ position, amount }))
        this.phase = 'betting'
        this.round = d.round
        this.commitment = d.commitment
        this.closesAt = this.settlesAt = this.pocket = this.seed = undefined
        this.others = []
        this.mine = {}
        this.outcome = undefined
        return
      case 'betting.started':
        this.closesAt = Date.parse(d.closes_at)
        return
      case 'betting.stopped':
        this.closesAt = undefined
        return
      case 'bet.placed':
        if (d.mine) {
          this.mine = add(this.mine, d.bets)
        } else this.others = [...this.others, ...d.bets.map((b) => ({ seat: d.seat, name: d.name, ...b }))]
        return
      case 'bet.removed':
        if (d.mine) this.mine = add(this.mine, d.bets, -1)
        else this.others = remove(this.others, d.seat, d.bets)
        return
      case 'betting.closed':
        this.phase = 'closed'
        return
      case 'wheel.spun':
        this.phase = 'spinning'
        this.pocket = d.pocket
        this.seed = d.seed
        this.settlesAt = Date.parse(d.settles_at)
        this.lastProof = { round: d.round, seed: d.seed }
        return
      case 'round.settled':
        this.phase = 'settled'
        this.results = [...this.results.slice(-499), { round: d.round, pocket: d.pocket }]
        if (typeof d.mine === 'object') this.outcome = { round: d.round, pocket: d.pocket, staked: d.mine.staked, payout: d.mine.payout }
        return
      case 'round.voided':
        this.phase = 'settled'
        this.message = `Round ${d.round} is void: ${d.reason ?? ''}. All stakes were given back.`
        return
      case 'room.closing':
        this.closing = true
        return
      case 'room.closed':
        this.phase = 'ended'
    }
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
