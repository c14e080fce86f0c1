// The messages of pitboss.v1, as docs/asyncapi.yaml has them. Money is in minor units; times
// are RFC 3339 in UTC.

export interface RoomInfo {
  room: string
  game: string
  name: string
  status: 'open' | 'closing' | 'closed'
  settings: Record<string, unknown>
  players: number
}

/** A list of rooms after what lobby.rooms told; a closed room leaves it. */
export function roomsAfter(list: RoomInfo[], changed: RoomInfo[]): RoomInfo[] {
  const all = new Map(list.map((r) => [r.room, r]))
  for (const r of changed) {
    if (r.status === 'closed') all.delete(r.room)
    else all.set(r.room, r)
  }
  return [...all.values()].sort((a, b) => (a.room < b.room ? -1 : 1))
}

export interface Place {
  epoch: number
  seq: number
}

export interface RoomEvent extends Place {
  room: string
  at: string
  type: string
  data: unknown
}

export interface ChatMessage {
  room: string
  id: string
  from: string
  mine?: boolean
  text: string
  at: string
}

export interface JoinResult extends Place {
  view?: unknown
  events?: RoomEvent[]
  totals?: unknown // with events: a view has them itself
  chat?: ChatMessage[]
}

export interface CommandResult extends Place {
  accepted: true
  balance: number
}

export interface Welcome {
  time: string
  heartbeat_ms: number
  connection: string
  node: string
  tenant: string
  tenant_name: string
  player: string
  name: string
  role: 'player' | 'operator' | 'support' | 'service'
  currency: string
  exponent: number
  expires_at: string
  lobby: string
}

export interface Balance {
  balance: number
  currency: string
  version: number
}

/** Which page of a history: the first one, or the one that the `next` of another names. */
export interface HistoryPage {
  cursor?: string
  /** 1 to 50; 20 if it is absent. */
  limit?: number
}

/** A round in which the player's money moved. `room` and `round` are what `/verify#room=…&round=…` takes. */
export interface HistoryRound {
  room: string
  game: string
  round: number
  state: 'open' | 'settled' | 'void'
  opened_at?: string
  ended_at?: string // absent while it is open
  staked: number
  payout: number
  refund: number // bets taken back, or the stakes of a void round
  net: number // payout and refund less staked
  currency: string
  /** Whether the round can be proven; absent if its game has no seeds. */
  proof?: 'pending' | 'ready' | 'lost'
}

/** Rounds by when the player first had money in them, the latest first. `next` is absent at the end. */
export interface HistoryRounds {
  rounds: HistoryRound[]
  next?: string
}

/** Money that the player got, or gave (below zero). */
export interface Transaction {
  id: number
  at: string
  kind: 'stake' | 'payout' | 'refund' | 'credit' // credit: the operator gave it, or took it back
  amount: number
  currency: string
  balance: number // after it
  room?: string
  round?: number
  command_id?: string // of a credit
  reverses?: string // the command_id of the credit that this one reverses
}

/** Transactions, the latest first. `next` is absent at the end. */
export interface HistoryTransactions {
  transactions: Transaction[]
  next?: string
}

export interface Promotion {
  id: string
  title: string
  text: string
  published_at: string
  ends_at: string
}

/** How many players are here, by room; empty rooms are not in it. */
export interface Presence {
  online: number
  rooms: Record<string, number>
}

/** What is sent of it: all, or the rooms that changed (0: empty). */
export interface PresenceNews extends Presence {
  full?: boolean
}

/** What goes on at the tables, by room, as the lobby shows it: each game says in its own brief what that is. */
export type Briefs = Readonly<Record<string, unknown>>

/** What is sent of it: all, or the rooms of which it changed (null: there is none any more). */
export interface BriefsNews {
  rooms: Record<string, unknown>
  full?: boolean
}

/** A kind of things whose changes staff can watch: the thing of a scope, as `rooms` is that of `rooms:read`. */
export type Watchable = 'rooms' | 'connections' | 'players' | 'money' | 'promotions' | 'audit' | 'brand' | 'keys' | 'webhooks' | 'approvals'

export interface Closing {
  reason: string
  retry_after_ms?: number
}

/** The codes of the server's errors; a test holds them against hub/wire's. */
export const serverCodes = [
  'parse_error', 'invalid_request', 'method_not_found', 'invalid_params', 'internal', 'room_not_found', 'not_joined', 'too_many_rooms', 'command_id_reused',
  'token_invalid', 'text_length_limits', 'chat_not_allowed', 'busy', 'rate_limited', 'unavailable', 'invalid_command', 'insufficient_funds', 'limit_reached',
  'betting_closed', 'room_closed', 'nothing_to_void', 'forbidden',
] as const

/**
 * What an error's code may be: the server's, or the SDK's own. `timeout` and `disconnected` are no
 * refusals: what was asked for may still have counted. A newer server may have more codes.
 */
export type ErrorCode = (typeof serverCodes)[number] | 'timeout' | 'disconnected' | 'no_websocket' | (string & {})

/** Which limit a refused command does not keep, to be said in words of one's own. Amounts are in minor units. */
export interface ErrorParams {
  /** The name of a setting of the game, such as max_bet, or of a limit that every table has. */
  limit: string
  value: number
  /** On which the limit is. */
  position?: string
  /** What the player has there, or in the round, already. */
  has?: number
}

/** An answer that is a refusal, or a failure to get one. Go by `code`. */
export class PitbossError extends Error {
  constructor(readonly code: ErrorCode, message: string, readonly params?: ErrorParams) {
    super(message)
    this.name = 'PitbossError'
  }
}

/** Codes that are no answers: nothing was decided (or it is not known what), ask again. */
export const retryCodes: ReadonlySet<string> = new Set(['busy', 'rate_limited', 'unavailable'])
