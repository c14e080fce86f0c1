// What a roulette table says and understands, beside what all round games do. Amounts are in minor units, times RFC 3339 in UTC.
import type { Pitboss, Room, RoomHandlers } from '../../client/src/index.js'
import { type EventOf, type RoundBrief, type RoundCommand, type RoundEvents, roundEventTypes, type RoundTotals, type RoundView, type Stake as AnyStake } from '../../client/src/round.js'

type N = number
/** A position's name; numbers ascend. docs/games/roulette.md has all 157. */
export type Position =
  | `straight:${N}` | `split:${N}-${N}` | `trio:0-${N}-${N}` | `street:${N}-${N}-${N}` | `corner:${N}-${N}-${N}-${N}` | 'first_four' | `line:${N}-${N}-${N}-${N}-${N}-${N}`
  | `dozen:${1 | 2 | 3}` | `column:${1 | 2 | 3}` | 'red' | 'black' | 'odd' | 'even' | 'low' | 'high'

export type { Seat } from '../../client/src/round.js'
export type Stake = AnyStake<Position>
export type Command = RoundCommand<Position>
export type Totals = RoundTotals<Position>

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

export interface View extends RoundView<'closed' | 'spinning', Position> {
  game: 'roulette'
  settings: Settings
  spins_at?: string
  settles_at?: string
  pocket?: number
  colour?: string
  results: Result[] // newest last
}

/** What the lobby shows of a table. */
export interface Brief extends RoundBrief {
  results: number[] // the last pockets, newest last
}

/** What each type of event holds. */
export interface Data extends RoundEvents<Position> {
  'betting.closed': { round: number; spins_at: string; totals?: Stake[] } // none in old rounds
  'wheel.spun': { round: number; pocket: number; colour: string; seed: string; commitment: string; settles_at: string }
  'round.settled': RoundEvents<Position>['round.settled'] & { pocket: number }
}

/** An event of a roulette table: `type` says what `data` is. */
export type Event = EventOf<Data>

/** The types of all events. */
export const eventTypes: readonly (keyof Data)[] = [
  ...roundEventTypes,
  ...(Object.keys({ 'betting.closed': 0, 'wheel.spun': 0 } satisfies Record<Exclude<keyof Data, keyof RoundEvents>, 0>) as (keyof Data)[]),
]

/** Joins a roulette table, as Pitboss.join does, with its types. */
export function join(line: Pitboss, room: string, handlers: RoomHandlers<View, Event, Totals>): Room<Command> {
  return line.join<View, Event, Command, Totals>(room, handlers)
}
