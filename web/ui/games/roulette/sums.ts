// Written from "Positions" in docs/games/roulette.md, not from the server's code.
import type { Step } from '../../shared/games'
import { m } from '../../shared/messages'
import { type RoundData, sumOf, type Total, wrongSums as wrongSumsOf, wrongUnless } from '../../verify/sums'
import { spots } from './positions'

/** An event of a round, in everyone's form, with what is read of it here. */
export interface Stored {
  type: string
  data: RoundData & { commitment?: string; pocket?: number; totals?: Total[] }
}

const numbersOf = new Map(spots.map((s) => [s.id, s.numbers]))

/** Adds up what was staked and paid in a round and names what does not agree. Rounds from before there were totals say nothing. */
export function wrongSums(events: readonly Stored[], pocket: number | undefined): Step[] {
  return wrongSumsOf(events, {
    totals: events.find((e) => e.type === 'betting.closed')?.data.totals,
    has: (position) => numbersOf.has(position),
    wrongPaid: (paid, totals, players) => (pocket === undefined ? [] : wrongPaid(pocket, paid, totals, players)),
  })
}

function wrongPaid(pocket: number, paid: number | undefined, totals: readonly Total[], players: number): Step[] {
  const won = sumOf(totals.filter((t) => numbersOf.get(t.position)!.includes(pocket)).map((t) => t.amount * (36 / numbersOf.get(t.position)!.length)))
  const { least, most } = halves(totals, players)
  const partage = pocket === 0 && paid !== undefined && paid >= won + least && paid <= won + most
  const expected = pocket === 0 && most > 0 ? m.roulette_paid_or_partage({ won, least: won + least, most: won + most }) : won
  return wrongUnless(paid === won || partage, m.roulette_step_paid(), paid, expected)
}

/** Returns what la partage gives back on zero: half of each player's stake on an even chance, a half unit rounded up. */
function halves(totals: readonly Total[], players: number): { least: number; most: number } {
  const even = totals.filter((t) => numbersOf.get(t.position)!.length === 18).map((t) => t.amount)
  return {
    least: sumOf(even.map((a) => Math.ceil(a / 2))),
    most: sumOf(even.map((a) => Math.floor((a + Math.min(a, players)) / 2))),
  }
}
