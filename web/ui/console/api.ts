import { PitbossError, type RoomInfo, retryCodes } from '../client/src/index.js'

export interface Connection {
  connection: string
  node: string
  player: string
  name: string
  role: string
  rooms: string[]
  address: string
  since: string
  queued_bytes: number
}

export interface Player {
  player: string
  balance: number
  online: boolean
  created_at: string
}

export interface StaffPromotion {
  id: string
  title: string
  text: string
  published_at: string
  ends_at: string
  status: 'active' | 'withdrawn' | 'ended'
  by: string
}

export interface AuditEntry {
  id: number
  at: string
  actor: string
  action: string
  target: string
  reason?: string
  before?: unknown
  after?: unknown
  address?: string
}

export interface TrialBalance {
  sum: number
  ok: boolean
  accounts: { kind: string; owner: string; balance: number }[]
}

/** One setting of a game: what a form needs to know of it. */
export interface Setting {
  name: string
  type: 'money' | 'int' | 'bool' | 'moneys'
  /** What the numbers count: minor units of the currency, milliseconds, or just so many. */
  unit?: 'minor' | 'ms' | ''
  default?: unknown
  min?: number
  max?: number
  /** The keys of a setting of several amounts. */
  keys?: string[]
  /** The key of the setting's label among the game's words. */
  message: string
}

/** A game that the server has. Servers that cannot describe its settings leave them out. */
export interface GameSettings {
  name: string
  settings?: Setting[] | null
}

/** The operator's HTTP API. Errors are PitbossErrors with the server's code. */
export class Api {
  constructor(private readonly token: string) {}

  rooms = () => this.#ask<{ rooms: RoomInfo[] }>('GET', '/v1/rooms')
  games = () => this.#ask<{ games: GameSettings[] }>('GET', '/v1/games')
  connections = () => this.#ask<{ connections: Connection[]; total: number; complete: boolean }>('GET', '/v1/connections')
  players = (cursor: string) => this.#ask<{ players: Player[]; next?: string }>('GET', `/v1/players?limit=100&cursor=${encodeURIComponent(cursor)}`)
  promotions = () => this.#ask<{ promotions: StaffPromotion[] }>('GET', '/v1/promotions')
  audit = (cursor = '') => this.#ask<{ entries: AuditEntry[]; next?: string }>('GET', `/v1/audit?limit=50&cursor=${encodeURIComponent(cursor)}`)
  trialBalance = () => this.#ask<TrialBalance>('GET', '/v1/ledger/trial-balance')

  openRoom = (room: { room: string; game: string; name: string; settings: object }) => this.#ask('POST', '/v1/rooms', room)
  closeRoom = (room: string, reason: string) => this.#ask('POST', `/v1/rooms/${encodeURIComponent(room)}/close`, { reason })
  voidRound = (room: string, body: { reason: string; command_id: string }) => this.#ask('POST', `/v1/rooms/${encodeURIComponent(room)}/void`, body)
  credit = (player: string, body: { amount: number; reason: string; command_id: string }) =>
    this.#ask<{ balance: number; created: boolean; approval?: { id: string; state: string } }>('POST', `/v1/players/${encodeURIComponent(player)}/credit`, body)
  kick = (player: string, reason: string) => this.#ask('POST', `/v1/players/${encodeURIComponent(player)}/kick`, { reason })
  publish = (p: { title: string; text: string; ends_at: string; command_id: string }) => this.#ask('POST', '/v1/promotions', p)
  withdraw = (id: string, body: { reason: string; command_id: string }) => this.#ask('POST', `/v1/promotions/${encodeURIComponent(id)}/withdraw`, body)

  async #ask<T>(method: string, path: string, body?: object): Promise<T> {
    let res: Response
    try {
      res = await fetch(path, {
        method,
        headers: { Authorization: `Bearer ${this.token}`, ...(body ? { 'Content-Type': 'application/json' } : {}) },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
    } catch {
      throw new PitbossError('disconnected', 'The server does not answer.')
    }
    let answer: T & { error?: { code: string; message: string } }
    try {
      answer = (await res.json()) as typeof answer
    } catch {
      throw new PitbossError('unavailable', `Something between here and the server answered ${res.status}.`)
    }
    if (!res.ok) throw new PitbossError(answer.error?.code ?? 'internal', answer.error?.message ?? res.statusText)
    return answer
  }
}

/** Failures after which it is not known whether anything was done. */
const unanswered: ReadonlySet<string> = new Set(['disconnected', 'internal', ...retryCodes])

/**
 * Once makes a write safe to repeat: what is sent again after a lost answer has the command_id of
 * the first time. After an answer, or with anything in it changed, it is another write.
 */
export class Once {
  #id = ''
  #body = ''

  async run<T>(body: object, send: (commandId: string) => Promise<T>): Promise<T> {
    const text = JSON.stringify(body)
    if (text !== this.#body) {
      this.#body = text
      this.#id = crypto.randomUUID()
    }
    try {
      const answer = await send(this.#id)
      this.#body = ''
      return answer
    } catch (err) {
      if (!unanswered.has((err as PitbossError).code)) this.#body = ''
      throw err
    }
  }
}
