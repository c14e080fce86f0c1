// What a baccarat table says and understands, beside what all round games do. Amounts are in minor units, times RFC 3339 in UTC.
import type { Pitboss, Room, RoomHandlers } from '../../client/src/index.js'
import { type EventOf, type RoundBrief, type RoundCommand, type RoundEvents, roundEventTypes, type RoundTotals, type RoundView, type Stake as AnyStake } from '../../client/src/round.js'

export type { Seat } from '../../client/src/round.js'
export type Position = 'player' | 'banker' | 'tie' | 'player_pair' | 'banker_pair'
export type Stake = AnyStake<Position>
export type Command = RoundCommand<Position>
export type Totals = RoundTotals<Position>

/** A rank, one of A23456789TJQK, and a suit, one of cdhs: "Th". */
export type Card = string
export type Side = 'player' | 'banker'
export type Winner = Side | 'tie'

export interface Settings {
  min_bet: number
  max_bet: number
  max_by_kind?: Partial<Record<Position, number>>
  round_min: number
  round_max: number
  betting_ms: number
  close_ms: number
  deal_ms: number
  no_commission: boolean
  banker_step: number
  pause_ms: number
}

/** Who won a hand. */
export interface Won {
  winner: Winner
  player_pair?: boolean
  banker_pair?: boolean
}

/** A hand that was played: player and banker are points. */
export interface Result extends Won {
  round: number
  player: number
  banker: number
}

/** The first card of a shoe, and how many were put away unseen after it. */
export interface Burned {
  card: Card
  count: number
}

export interface View extends RoundView<'closed' | 'dealing', Position> {
  game: 'baccarat'
  settings: Settings
  deals_at?: string
  burned?: Burned // in the hand in which it was
  player: Card[]
  banker: Card[]
  cut?: true // the cut card is out
  last?: true // this hand is the shoe's last
  dealt: number // cards of the shoe that are out, those burned too
  results: Result[] // newest last, earlier shoes among them
}

/** What the lobby shows of a table. */
export interface Brief extends RoundBrief {
  results: string[] // the shoe's last hands, newest last: P, B or T for the winner, then p and b for the pairs
}

/** What each type of event holds. */
export interface Data extends RoundEvents<Position> {
  'betting.closed': { round: number; deals_at: string; totals: Stake[] }
  'card.burned': Burned & { round: number; deals_at: string }
  'card.dealt': { round: number; to: Side; card: Card; points: number; cut?: boolean; deals_at: string }
  'round.settled': RoundEvents<Position>['round.settled'] & {
    player: Card[]
    banker: Card[]
    player_points: number
    banker_points: number
    winner: Winner
    player_pair?: boolean
    banker_pair?: boolean
  }
}

/** An event of a baccarat table: `type` says what `data` is. */
export type Event = EventOf<Data>

/** The types of all events. */
export const eventTypes: readonly (keyof Data)[] = [
  ...roundEventTypes,
  ...(Object.keys({ 'betting.closed': 0, 'card.burned': 0, 'card.dealt': 0 } satisfies Record<Exclude<keyof Data, keyof RoundEvents>, 0>) as (keyof Data)[]),
]

/** Joins a baccarat table, as Pitboss.join does, with its types. */
export function join(line: Pitboss, room: string, handlers: RoomHandlers<View, Event, Totals>): Room<Command> {
  return line.join<View, Event, Command, Totals>(room, handlers)
}
