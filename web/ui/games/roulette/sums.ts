// Written from "Positions" in docs/games/roulette.md, not from the server's code.
import type { Step } from '../../shared/games'
import { spots } from './positions'

/** An event of a round, in everyone's form, with what is read of it here. */
export interface Stored {
  type: string
  data: {
    round?: number
    commitment?: string
    seed?: string
    pocket?: number
    seat?: number
    sum?: number
    totals?: { position: string; amount: number }[]
    staked?: number
    paid?: number
    winners?: { payout: number }[]
  }
}

const numbersOf = new Map(spots.map((s) => [s.id, s.numbers]))
const plus = (a: number, b: number): number => a + b

/**
 * Adds up what was staked and paid in a round and names what does not agree: the bets one by one,
 * the totals by position, the sums at the end. Rounds from before there were totals say nothing.
 */
export function wrongSums(events: readonly Stored[], pocket: number | undefined): Step[] {
  const totals = events.find((e) => e.type === 'betting.closed')?.data?.totals
  const settled = events.find((e) => e.type === 'round.settled')?.data
  if (!Array.isArray(totals)) return []
  const wrong: Step[] = []
  const check = (ok: boolean, what: string, shown: unknown, expected: unknown): void => {
    if (!ok) wrong.push({ what, shown: String(shown), computed: String(expected), ok })
  }

  const known = totals.filter((t, i) => numbersOf.has(t.position) && Number.isSafeInteger(t.amount) && t.amount > 0 && totals.findIndex((u) => u.position === t.position) === i)
  const odd = totals.filter((t) => !known.includes(t))
  check(odd.length === 0, 'Every total is a whole amount on a position of its own', odd.map((t) => `${t.amount} on ${t.position}`).join(', '), 'positions of the table, once each')

  const staked = known.map((t) => t.amount).reduce(plus, 0)
  const bets = events.filter((e) => e.type === 'bet.placed' || e.type === 'bet.removed')
  const oneByOne = bets.map((e) => (e.type === 'bet.placed' ? 1 : -1) * (e.data.sum ?? Number.NaN)).reduce(plus, 0)
  check(oneByOne === staked, 'The bets, one by one, add up to the totals', oneByOne, staked)
  if (settled === undefined) return wrong
  check(settled.staked === staked, 'What was staked is the sum of the totals', settled.staked, staked)
  if (pocket === undefined) return wrong

  const won = known.filter((t) => numbersOf.get(t.position)!.includes(pocket)).map((t) => t.amount * (36 / numbersOf.get(t.position)!.length)).reduce(plus, 0)
  const { least, most } = halves(known, new Set(bets.map((e) => e.data.seat)).size)
  const paid = settled.paid ?? Number.NaN
  const partage = pocket === 0 && paid >= won + least && paid <= won + most
  check(paid === won || partage, 'What was paid follows from the totals and the number', settled.paid, won + (pocket === 0 && most > 0 ? `, or ${won + least} to ${won + most} with la partage` : ''))
  const named = (settled.winners ?? []).map((w) => w.payout).reduce(plus, 0)
  check(named <= paid, 'The winners that are named got no more than was paid', named, settled.paid)
  return wrong
}

/** What la partage gives back on zero: half of each player's stake on an even chance, a half unit rounded up. */
function halves(totals: { position: string; amount: number }[], players: number): { least: number; most: number } {
  const even = totals.filter((t) => numbersOf.get(t.position)!.length === 18).map((t) => t.amount)
  return {
    least: even.map((a) => Math.ceil(a / 2)).reduce(plus, 0),
    most: even.map((a) => Math.floor((a + Math.min(a, players)) / 2)).reduce(plus, 0),
  }
}
