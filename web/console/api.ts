import { PitbossError, type RoomInfo } from '../client/src'

export interface Connection {
  connection: string
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

/** The operator's HTTP API. Errors are PitbossErrors with the server's code. */
export class Api {
  constructor(private readonly token: string) {}

  rooms = () => this.#ask<{ rooms: RoomInfo[] }>('GET', '/v1/rooms')
  connections = () => this.#ask<{ connections: Connection[] }>('GET', '/v1/connections')
  players = (after: string) => this.#ask<{ players: Player[]; next?: string }>('GET', `/v1/players?limit=100&after=${encodeURIComponent(after)}`)
  promotions = () => this.#ask<{ promotions: StaffPromotion[] }>('GET', '/v1/promotions')
  audit = (before?: number) => this.#ask<{ entries: AuditEntry[]; next?: number }>('GET', `/v1/audit?limit=50${before ? `&before=${before}` : ''}`)
  trialBalance = () => this.#ask<TrialBalance>('GET', '/v1/ledger/trial-balance')

  openRoom = (room: { room: string; game: string; name: string; settings: object }) => this.#ask('POST', '/v1/rooms', room)
  closeRoom = (room: string, reason: string) => this.#ask('POST', `/v1/rooms/${encodeURIComponent(room)}/close`, { reason })
  credit = (player: string, body: { amount: number; reason: string; command_id: string }) =>
    this.#ask<{ balance: number }>('POST', `/v1/players/${encodeURIComponent(player)}/credit`, body)
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
    const answer = (await res.json()) as T & { error?: { code: string; message: string } }
    if (!res.ok) throw new PitbossError(answer.error?.code ?? 'internal', answer.error?.message ?? res.statusText)
    return answer
  }
}

/**
 * Ask is one write: its command_id is drawn once, so that pressing the button again after a lost
 * answer does not do it twice.
 */
export class Ask {
  #id = crypto.randomUUID()
  get id(): string {
    return this.#id
  }
  done(): void {
    this.#id = crypto.randomUUID()
  }
}
