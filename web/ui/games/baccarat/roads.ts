// Bead plate and big road: how the hands of a shoe are written down.
import { m } from '../../shared/messages'
import { sayPosition } from './cards'
import type { Result, Won } from './types'

const rows = 6

/** A mark of the big road: a hand that player or banker won, with the ties that came after it. */
export interface Mark {
  column: number
  row: number
  /** The hand; undefined if there were only ties yet. */
  result?: Result
  ties: number
}

/** Returns the hands of the shoe at hand: it began with a round. */
export const ofShoe = (results: readonly Result[], first: number): Result[] => results.filter((r) => r.round >= first)

/**
 * Returns the marks of the big road. A hand that the winner of the one before wins goes below it, another
 * into the next column. Where there is no room below, a column goes on to the right: the dragon's tail.
 * Ties are counted on the mark before them, those at the beginning on the first mark.
 */
export function bigRoad(results: readonly Result[]): Mark[] {
  const marks: Mark[] = []
  const taken = new Set<string>()
  const isFree = (column: number, row: number): boolean => row < rows && !taken.has(`${column} ${row}`)
  let column = 0 // in which the run at hand began
  let turned = false // whether it has gone on to the right
  const put = (mark: Mark): void => {
    marks.push(mark)
    taken.add(`${mark.column} ${mark.row}`)
  }
  for (const result of results) {
    const last = marks.at(-1)
    if (!last) put({ column, row: 0, ...(result.winner === 'tie' ? { ties: 1 } : { result, ties: 0 }) })
    else if (result.winner === 'tie') last.ties++
    else if (!last.result) last.result = result
    else if (last.result.winner === result.winner) {
      turned ||= !isFree(last.column, last.row + 1)
      put({ column: last.column + (turned ? 1 : 0), row: last.row + (turned ? 0 : 1), result, ties: 0 })
    } else {
      turned = false
      do column++
      while (!isFree(column, 0))
      put({ column, row: 0, result, ties: 0 })
    }
  }
  return marks
}

/** Says a result: "Banker wins, 7 to 4, player pair". */
export function sayResult({ winner, player, banker, player_pair, banker_pair }: Result): string {
  const won = winner === 'tie' ? m.baccarat_tie_at({ points: player }) : m.baccarat_wins({ winner: sayPosition(winner), points: Math.max(player, banker), against: Math.min(player, banker) })
  const pairs = player_pair && banker_pair ? m.baccarat_both_pairs() : player_pair ? m.baccarat_player_pair() : banker_pair ? m.baccarat_banker_pair() : ''
  return pairs ? m.baccarat_with_pair({ result: won, pair: pairs }) : won
}

/** Counts hands: "12 hands: banker 6, player 5, tie 1". */
export function sayCounts(results: readonly Won[]): string {
  const n = (winner: Won['winner']): number => results.filter((r) => r.winner === winner).length
  if (results.length === 0) return m.baccarat_no_hands()
  return m.baccarat_counts({ count: results.length, banker: n('banker'), player: n('player'), tie: n('tie') })
}
