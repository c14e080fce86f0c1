// What all round games say and understand: "Round games" in docs/protocol.md. Amounts are in minor
// units, times RFC 3339 in UTC. A game's own types take these and add what is its own; Phase are its
// phases between betting and settled, Position the names of its positions, if they are few.
import type { RoomEvent } from './protocol.js'

/** An amount on a position. */
export interface Stake<Position extends string = string> {
  position: Position
  amount: number
}

/** A seat's player, as everybody sees it: the name is masked. */
export interface Seat {
  seat: number
  name: string
  staked: number
}

/** What all players together have staked in a round, by position: the data of room.totals. */
export interface RoundTotals<Position extends string = string> {
  round: number
  totals: Stake<Position>[]
}

/** A command names the round that the player saw, and is refused with `betting_closed` in another. */
export type RoundCommand<Position extends string = string> =
  | { type: 'bet'; round: number; bets: Stake<Position>[] }
  | { type: 'undo'; round: number }
  | { type: 'clear'; round: number }

/** The view that every round game has. A game's own extends it, with the types of its name and of its settings. */
export interface RoundView<Phase extends string = never, Position extends string = string> {
  game: string
  phase: 'betting' | Phase | 'settled' | 'ended'
  closing?: boolean // no round follows
  settings: object
  round: number // 0 before the first
  commitment?: string
  since?: number // the earlier round that committed to the seed, if it serves several rounds
  closes_at?: string
  next_at?: string
  seed?: string
  seats: Seat[] // those that bet in this round
  totals: Stake<Position>[] // of all players, this one too
  mine: { seat?: number; staked: number; bets: Stake<Position>[]; payout?: number }
}

/** What every round game says of its table in the lobby. A game's own extends it. */
export interface RoundBrief {
  phase: 'betting' | 'playing' | 'settled' | 'ended'
  round: number
  closes_at?: string // of betting whose clock runs
}

/** What a seat put on the table or took from it. Others are told the sum, and the positions by the totals. */
export interface Bets {
  round: number
  seat: number
  name?: string // with a seat's first bet of a round, if there is room for it
  sum: number
  mine?: false
}

/** What this player put on the table or took from it. */
export interface OwnBets<Position extends string = string> extends Omit<Bets, 'mine'> {
  bets: Stake<Position>[]
  mine: true
}

/** What each type of event holds that every round game has. A game's own interface extends it, and adds its result to round.settled. */
export interface RoundEvents<Position extends string = string> {
  'round.opened': { round: number; commitment: string; since?: number } // since: the earlier round that committed to the seed
  'betting.started': { round: number; closes_at: string }
  'betting.stopped': { round: number }
  'bet.placed': Bets | OwnBets<Position>
  'bet.removed': Bets | OwnBets<Position>
  'round.settled': {
    round: number
    staked: number
    paid: number
    winners: { seat: number; name: string; payout: number }[]
    next_at: string
    mine?: { staked: number; payout: number; bets: (Stake<Position> & { payout: number })[] }
  }
  'round.voided': { round: number; reason: string; seed?: string; next_at: string; mine?: { refund: number } }
  'seed.revealed': { round: number; since?: number; commitment: string; seed: string } // the seed of the rounds from since to round
  'deadline.moved': { round: number; until: string } // a clock was set: the phase at hand ends then
  'room.closing': { reason?: string }
  'room.closed': { reason?: string }
}

/** An event of a game whose events hold Data, by type: `type` says what `data` is. */
export type EventOf<Data> = { [T in keyof Data]: Omit<RoomEvent, 'type' | 'data'> & { type: T; data: Data[T] } }[keyof Data]

/** The types of the events that every round game has, in the order of a round. */
export const roundEventTypes = Object.keys({
  'round.opened': 0, 'betting.started': 0, 'betting.stopped': 0, 'bet.placed': 0, 'bet.removed': 0,
  'round.settled': 0, 'round.voided': 0, 'seed.revealed': 0, 'deadline.moved': 0, 'room.closing': 0, 'room.closed': 0,
} satisfies Record<keyof RoundEvents, 0>) as readonly (keyof RoundEvents)[]
