import { PitbossError, type RoomInfo, retryCodes } from '../client/src/index.js'
import type { components, operations } from '../compiled/openapi'

type Schemas = components['schemas']
export type Connection = Schemas['Connection']
export type Player = Schemas['Player']
export type StaffPromotion = Schemas['Promotion']
export type AuditEntry = Schemas['AuditEntry']
export type TrialBalance = Schemas['TrialBalance']
/** One setting of a game: what a form needs to know of it. Servers before this one may leave the bounds out. */
export type Setting = Omit<Schemas['Setting'], 'min' | 'max'> & Partial<Pick<Schemas['Setting'], 'min' | 'max'>>
/** A game that the server has. Servers that cannot describe its settings leave them out. */
export interface GameSettings {
  name: string
  settings?: Setting[] | null
}

/** Operations of the API by their names: what is sent, and what is answered with 200, 201 or 202. */
type Sent<O extends keyof operations> = operations[O] extends { requestBody: { content: { 'application/json': infer B } } } ? B : undefined
type Answers<O extends keyof operations> = operations[O]['responses']
type Json<R> = R extends { content: { 'application/json': infer B } } ? B : never
type Answered<O extends keyof operations> = { [S in keyof Answers<O> & (200 | 201 | 202)]: Json<Answers<O>[S]> }[keyof Answers<O> & (200 | 201 | 202)]

/** The operator's HTTP API. Errors are PitbossErrors with the server's code. */
export class Api {
  constructor(private readonly token: string) {}

  session = () => this.#ask<Answered<'session'>>('GET', 'v1/session')
  rooms = () => this.#ask<{ rooms: RoomInfo[] }>('GET', 'v1/rooms')
  games = () => this.#ask<{ games: GameSettings[] }>('GET', 'v1/games')
  connections = () => this.#ask<Answered<'connections'>>('GET', 'v1/connections')
  players = (cursor: string) => this.#ask<Answered<'players'>>('GET', `v1/players?limit=100&cursor=${encodeURIComponent(cursor)}`)
  promotions = () => this.#ask<Answered<'promotions'>>('GET', 'v1/promotions')
  audit = (cursor = '') => this.#ask<Answered<'audit'>>('GET', `v1/audit?limit=50&cursor=${encodeURIComponent(cursor)}`)
  trialBalance = () => this.#ask<Answered<'trialBalance'>>('GET', 'v1/ledger/trial-balance')

  openRoom = (room: Sent<'openRoom'>) => this.#ask<Answered<'openRoom'>>('POST', 'v1/rooms', room)
  closeRoom = (room: string, reason: string) => this.#ask<Answered<'closeRoom'>>('POST', `v1/rooms/${encodeURIComponent(room)}/close`, { reason })
  voidRound = (room: string, body: Sent<'voidRound'>) => this.#ask<Answered<'voidRound'>>('POST', `v1/rooms/${encodeURIComponent(room)}/void`, body)
  credit = (player: string, body: Sent<'credit'>) =>
    this.#ask<{ balance: number; created: boolean; approval?: { id: string; state: string } }>('POST', `v1/players/${encodeURIComponent(player)}/credit`, body)
  kick = (player: string, reason: string) => this.#ask<Answered<'kick'>>('POST', `v1/players/${encodeURIComponent(player)}/kick`, { reason })
  publish = (p: Sent<'publishPromotion'>) => this.#ask<Answered<'publishPromotion'>>('POST', 'v1/promotions', p)
  withdraw = (id: string, body: Sent<'withdrawPromotion'>) => this.#ask<Answered<'withdrawPromotion'>>('POST', `v1/promotions/${encodeURIComponent(id)}/withdraw`, body)

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
