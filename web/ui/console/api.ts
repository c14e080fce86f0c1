import { PitbossError, type RoomInfo, retryCodes } from '../client/src/index.js'
import type { components, operations } from '../compiled/openapi'

type Schemas = components['schemas']
export type Connection = Schemas['Connection']
export type Player = Schemas['Player']
export type PlayedRound = Schemas['PlayedRound']
export type Transaction = Schemas['Transaction']
export type StaffPromotion = Schemas['Promotion']
export type AuditEntry = Schemas['AuditEntry']
export type TrialBalance = Schemas['TrialBalance']
export type Posting = Schemas['Posting']
export type Casino = Schemas['Casino']
export type Node = Schemas['Node']
export type Limit = Schemas['Limit']
export type Brand = Schemas['Brand']
export type Key = Schemas['Key']
export type Webhook = Schemas['Webhook']
export type Delivery = Schemas['Delivery']
export type FactType = Schemas['FactType']
export type DryRun = Schemas['DryRun']
export type Approval = Schemas['Approval']
/** One setting of a game: what a form needs to know of it. Servers before this one may leave the bounds out. */
export type Setting = Omit<Schemas['Setting'], 'min' | 'max'> & Partial<Pick<Schemas['Setting'], 'min' | 'max'>>
/** A game that the server has. Servers that cannot describe its settings leave them out. */
export interface GameSettings {
  name: string
  settings?: Setting[] | null
}
/** What moving money is answered with: what was done, or what waits for a second person. */
export type Moved = { balance: number; created: boolean; approval?: undefined } | { approval: Approval }

/** Operations of the API by their names: what is sent, and what is answered with 200, 201 or 202. */
type Sent<O extends keyof operations> = operations[O] extends { requestBody: { content: { 'application/json': infer B } } } ? B : undefined
type Answers<O extends keyof operations> = operations[O]['responses']
type Json<R> = R extends { content: { 'application/json': infer B } } ? B : never
type Answered<O extends keyof operations> = { [S in keyof Answers<O> & (200 | 201 | 202)]: Json<Answers<O>[S]> }[keyof Answers<O> & (200 | 201 | 202)]

/** Call is a request of the API, and what its answer is. */
export interface Call<T> {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  headers?: Record<string, string>
  body?: object
  /** Only says what is answered. */
  answer?: T
}

const get = <T>(path: string): Call<T> => ({ method: 'GET', path })
const post = <T>(path: string, body: object): Call<T> => ({ method: 'POST', path, body })
const put = <T>(path: string, body: object): Call<T> => ({ method: 'PUT', path, body })
const of = (kind: string, id: string): string => `v1/${kind}/${encodeURIComponent(id)}`

/** The calls of the API that the console makes. */
export const calls = {
  session: () => get<Answered<'session'>>('v1/session'),
  rooms: () => get<{ rooms: RoomInfo[] }>('v1/rooms'),
  games: () => get<{ games: GameSettings[] }>('v1/games'),
  connections: () => get<Answered<'connections'>>('v1/connections'),
  player: (player: string) => get<Answered<'players'>>(`v1/players?player=${encodeURIComponent(player)}`),
  playersLike: (prefix: string, limit: number) => get<Answered<'players'>>(`v1/players?player.prefix=${encodeURIComponent(prefix)}&limit=${limit}`),
  promotions: () => get<Answered<'promotions'>>('v1/promotions'),
  audit: (cursor: string) => get<Answered<'audit'>>(`v1/audit?limit=50&cursor=${encodeURIComponent(cursor)}`),
  approval: (id: string) => get<Answered<'approval'>>(of('approvals', id)),
  openApprovals: () => get<Answered<'approvals'>>('v1/approvals?state=open&limit=100'),
  casino: () => get<Casino>('v1/casino'),
  nodes: () => get<Answered<'nodes'>>('v1/nodes'),
  limits: () => get<Answered<'limits'>>('v1/limits'),
  brand: () => get<Brand>('v1/brand'),
  keys: () => get<Answered<'keys'>>('v1/keys'),
  webhooks: () => get<Answered<'webhooks'>>('v1/webhooks'),
  trialBalance: () => get<Answered<'trialBalance'>>('v1/ledger/trial-balance'),

  openRoom: (room: Sent<'openRoom'>) => post<Answered<'openRoom'>>('v1/rooms', room),
  closeRoom: (room: string, body: Sent<'closeRoom'>) => post<Answered<'closeRoom'>>(`${of('rooms', room)}/close`, body),
  voidRound: (room: string, body: Sent<'voidRound'>) => post<Answered<'voidRound'>>(`${of('rooms', room)}/void`, body),
  credit: (player: string, body: Sent<'credit'>, create: boolean) => post<Moved>(`${of('players', player)}/credit${create ? '' : '?create=0'}`, body),
  tryCredit: (player: string, body: Sent<'credit'>) => post<DryRun>(`${of('players', player)}/credit?dry_run=1`, body),
  reverse: (command: string, body: Sent<'reverseCredit'>) => post<Moved>(`${of('credits', command)}/reverse`, body),
  tryReverse: (command: string, body: Sent<'reverseCredit'>) => post<DryRun>(`${of('credits', command)}/reverse?dry_run=1`, body),
  answerApproval: (id: string, answer: 'approve' | 'refuse' | 'withdraw', body: Sent<'approve'>) => post<Answered<'approve'>>(`${of('approvals', id)}/${answer}`, body),
  setBrand: (body: Sent<'setBrand'>) => put<Brand>('v1/brand', body),
  setLogo: (body: Sent<'setLogo'>) => put<Brand>('v1/brand/logo', body),
  createKey: (body: Sent<'createKey'>) => post<Answered<'createKey'>>('v1/keys', body),
  rotateKey: (id: string, body: Sent<'rotateKey'>) => post<Answered<'rotateKey'>>(`${of('keys', id)}/rotate`, body),
  revokeKey: (id: string, body: Sent<'revokeKey'>) => post<Key>(`${of('keys', id)}/revoke`, body),
  createWebhook: (body: Sent<'createWebhook'>) => post<Webhook>('v1/webhooks', body),
  changeWebhook: (id: string, body: Sent<'changeWebhook'>) => put<Webhook>(of('webhooks', id), body),
  deleteWebhook: (id: string, body: Sent<'deleteWebhook'>): Call<unknown> => ({ method: 'DELETE', path: of('webhooks', id), body }),
  rotateWebhook: (id: string, body: Sent<'rotateWebhook'>) => post<Webhook>(`${of('webhooks', id)}/rotate`, body),
  doWebhook: (id: string, what: 'test' | 'pause' | 'resume', body: Sent<'pauseWebhook'>) => post<unknown>(`${of('webhooks', id)}/${what}`, body),
  replay: (id: string, delivery: string, body: Sent<'replayDelivery'>) => post<unknown>(`${of('webhooks', id)}/deliveries/${encodeURIComponent(delivery)}/replay`, body),
  kick: (player: string, body: Sent<'kick'>) => post<Answered<'kick'>>(`${of('players', player)}/kick`, body),
  publish: (p: Sent<'publishPromotion'>) => post<Answered<'publishPromotion'>>('v1/promotions', p),
  withdraw: (id: string, body: Sent<'withdrawPromotion'>) => post<Answered<'withdrawPromotion'>>(`${of('promotions', id)}/withdraw`, body),
}

/** Returns a call as a line for a shell, in which the token, or the key of the platform, is a placeholder. */
export function asCurl({ method, path, headers = {}, body }: Call<unknown>, home: string, secret = 'PITBOSS_TOKEN'): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
  const lines = [`curl ${method === 'GET' ? '' : `-X ${method} `}${quoted(home + path)}`, `-H "Authorization: Bearer $${secret}"`]
  for (const [name, value] of Object.entries(headers)) lines.push(`-H ${quoted(`${name}: ${value}`)}`)
  if (body) lines.push(`-H 'Content-Type: application/json'`, `-d ${quoted(JSON.stringify(body))}`)
  return lines.join(' \\\n  ')
}

/** The operator's HTTP API. Errors are PitbossErrors with the server's code. */
export class Api {
  #token: string
  readonly #renew: ((method: string) => Promise<string>) | undefined

  /** The API asks renew for another token when its own is not good any more, for a request of some method, and goes on with it. */
  constructor(token: string, renew?: (method: string) => Promise<string>) {
    this.#token = token
    this.#renew = renew
  }

  set token(token: string) {
    this.#token = token
  }

  /** Makes a call. */
  async do<T>({ method, path, headers, body }: Call<T>): Promise<T> {
    const res = await this.#ask(path, { method, headers: { ...headers, ...(body ? { 'Content-Type': 'application/json' } : {}) }, ...(body ? { body: JSON.stringify(body) } : {}) })
    try {
      return (await res.json()) as T
    } catch {
      throw between(res)
    }
  }

  /** Returns a list as CSV. */
  async csv(path: string): Promise<Blob> {
    return (await this.#ask(path, { method: 'GET', headers: { Accept: 'text/csv' } })).blob()
  }

  async #ask(path: string, init: { method: string; body?: string; headers?: Record<string, string> }): Promise<Response> {
    let res: Response
    try {
      res = await fetch(path, { ...init, headers: { ...init.headers, Authorization: `Bearer ${this.#token}` } })
    } catch {
      throw new PitbossError('disconnected', 'The server does not answer.')
    }
    if (res.ok) return res
    let error: { code: string; message: string } | undefined
    try {
      error = ((await res.json()) as { error?: typeof error }).error
    } catch {
      throw between(res)
    }
    if (res.status === 401 && this.#renew) {
      this.#token = await this.#renew(init.method)
      return this.#ask(path, init)
    }
    throw new PitbossError(error?.code ?? 'internal', error?.message ?? res.statusText)
  }
}

const between = (res: Response): PitbossError => new PitbossError('unavailable', `Something between here and the server answered ${res.status}.`)

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
