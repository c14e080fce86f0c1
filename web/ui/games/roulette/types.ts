// What a roulette table says and understands. Amounts are in minor units, times RFC 3339 in UTC.
import type { Pitboss, Room, RoomEvent, RoomHandlers } from '../../client/src/index.js'

export interface Stake {
  position: string // straight:17, corner:16-17-19-20, red …: docs/games/roulette.md has all 157
  amount: number
}

/** A seat's player, as everybody sees it: the name is masked. */
export interface Seat {
  seat: number
  name: string
  staked: number
}

/** What all players together have staked in a round, by position. */
export interface Totals {
  round: number
  totals: Stake[]
}

export interface Settings {
  min_bet: number
  max_bet: number
  max_by_kind?: Record<string, number>
  round_min: number
  round_max: number
  betting_ms: number
  close_ms: number
  spin_ms: number
  pause_ms: number
  la_partage: boolean
}

export interface Result {
  round: number
  pocket: number
}

export interface View {
  game: 'roulette'
  phase: 'betting' | 'closed' | 'spinning' | 'settled' | 'ended'
  closing?: boolean
  settings: Settings
  round: number // 0 before the first
  commitment?: string
  closes_at?: string
  spins_at?: string
  settles_at?: string
  next_at?: string
  pocket?: number
  colour?: string
  seed?: string
  seats: Seat[]
  totals: Stake[] // of all players, this one too
  mine: { seat?: number; staked: number; bets: Stake[]; payout?: number }
  results: Result[] // newest last
}

/** A command names the round that the player saw, and is refused with `betting_closed` in another. */
export type Command = { type: 'bet'; round: number; bets: Stake[] } | { type: 'undo'; round: number } | { type: 'clear'; round: number }

/** What a seat put on the table or took from it. Others are told the sum, and the positions by the totals. */
interface Bets {
  round: number
  seat: number
  name?: string // with a seat's first bet of a round, if there is room for it
  sum: number
  mine?: false
}

interface OwnBets extends Omit<Bets, 'mine'> {
  bets: Stake[]
  mine: true
}

/** What each type of event holds. */
export interface Data {
  'round.opened': { round: number; commitment: string }
  'betting.started': { round: number; closes_at: string }
  'betting.stopped': { round: number }
  'bet.placed': Bets | OwnBets
  'bet.removed': Bets | OwnBets
  'betting.closed': { round: number; spins_at: string; totals?: Stake[] } // none in old rounds
  'wheel.spun': { round: number; pocket: number; colour: string; seed: string; commitment: string; settles_at: string }
  'round.settled': {
    round: number
    pocket: number
    staked: number
    paid: number
    winners: { seat: number; name: string; payout: number }[]
    next_at: string
    mine?: { staked: number; payout: number; bets: (Stake & { payout: number })[] }
  }
  'round.voided': { round: number; reason: string; seed?: string; next_at: string; mine?: { refund: number } }
  'deadline.moved': { round: number; until: string } // a clock was set: the phase at hand ends then
  'room.closing': { reason?: string }
  'room.closed': { reason?: string }
}

/** An event of a roulette table: `type` says what `data` is. */
export type Event = { [T in keyof Data]: Omit<RoomEvent, 'type' | 'data'> & { type: T; data: Data[T] } }[keyof Data]

/** The types of all events. */
export const eventTypes = Object.keys({
  'round.opened': 0, 'betting.started': 0, 'betting.stopped': 0, 'bet.placed': 0, 'bet.removed': 0, 'betting.closed': 0, 'wheel.spun': 0,
  'round.settled': 0, 'round.voided': 0, 'deadline.moved': 0, 'room.closing': 0, 'room.closed': 0,
} satisfies Record<keyof Data, 0>) as readonly (keyof Data)[]

/** Joins a roulette table, as Pitboss.join does, with its types. */
export function join(line: Pitboss, room: string, handlers: RoomHandlers<View, Event, Totals>): Room<Command> {
  return line.join<View, Event, Command, Totals>(room, handlers)
}
