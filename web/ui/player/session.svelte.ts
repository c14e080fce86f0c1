import { type Balance, type Briefs, Pitboss, type Presence, type Promotion, type RoomInfo, type State, type Welcome, roomsAfter } from '../client/src/index.js'
import { formatMoney } from '../shared/money'
import { keepStart, sessionStart } from '../shared/token'

/** For how long a command is asked about: as long as the server keeps what it said to it. Each names its round. */
export const commandTimeoutMs = 86_400_000

/** What the page shows of the connection. */
export class Session {
  readonly line: Pitboss
  state = $state<State>({ is: 'connecting' })
  welcome = $state<Welcome>()
  balance = $state<Balance>()
  presence = $state<Presence>()
  latency = $state<number>()
  /** Whether the connection is open, and nobody answers over it. */
  silent = $state(false)
  promotions = $state<Promotion[]>([])
  toasts = $state<Promotion[]>([])
  rooms = $state<RoomInfo[]>([])
  /** Whether rooms was told; until then it is empty. */
  listed = $state(false)
  /** What goes on at the tables. */
  briefs = $state.raw<Briefs>({})
  start = $state(sessionStart())

  constructor(token: string) {
    this.line = new Pitboss({ url: new URL('.', document.baseURI).href, token, commandTimeoutMs })
    this.line.on('state', (s) => {
      this.state = s
      if (s.is === 'open') void this.refresh()
    })
    this.line.on('welcome', (w) => (this.welcome = w))
    this.line.on('balance', (b) => {
      this.balance = b
      if (this.start.balance !== undefined) return
      this.start = { ...this.start, balance: b.balance }
      keepStart(this.start)
    })
    this.line.on('silent', (silent) => (this.silent = silent))
    this.line.on('latency', (ms) => (this.latency = ms))
    this.line.on('promotions', (p) => {
      this.promotions = p
      this.toasts = this.toasts.filter((t) => p.some((q) => q.id === t.id))
    })
    this.line.on('published', (p) => (this.toasts = [...this.toasts, p]))
    this.line.on('presence', (p) => (this.presence = p))
    this.line.on('briefs', (b) => (this.briefs = b))
    this.line.on('rooms', (changed) => (this.rooms = roomsAfter(this.rooms, changed)))
    this.line.connect()
  }

  /** The balance against that of the session's start. */
  get net(): number {
    return this.balance && this.start.balance !== undefined ? this.balance.balance - this.start.balance : 0
  }

  get exponent(): number {
    return this.welcome?.exponent ?? 2
  }

  /** Writes an amount of the player's currency, with its code. */
  withCurrency(minor: number): string {
    return formatMoney(minor, this.exponent, this.balance?.currency ?? this.welcome?.currency)
  }

  dismiss(id: string): void {
    this.toasts = this.toasts.filter((t) => t.id !== id)
  }

  async refresh(): Promise<void> {
    try {
      this.rooms = await this.line.rooms()
      this.listed = true
    } catch {
      // the next connection asks again
    }
  }
}
