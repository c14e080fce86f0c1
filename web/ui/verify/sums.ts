// Written from "Round games" in docs/protocol.md, not from the server's code: what must add up in a
// round, whatever the game. What a position pays, the game's own verifier says.
import type { Step } from '../shared/games'
import { m } from '../shared/messages'
import { raw } from './raw'

/** What all players together have on a position. */
export interface Total {
  position: string
  amount: number
}

/** What is read here of the events of a round, in everyone's form. It is claimed, not checked. */
export interface RoundData {
  seat?: number
  sum?: number
  staked?: number
  paid?: number
  winners?: { payout: number }[]
}

/** What a game says of its rounds, for their sums to be checked. */
export interface Sums {
  /** What an event of the game says that all players together have on the table; undefined if none says it. */
  totals: readonly Total[] | undefined
  /** Says whether there is such a position. */
  has(position: string): boolean
  /** Returns what is wrong with what was paid, as far as the result is known: totals are those that are right in themselves, players the seats that bet. */
  wrongPaid(paid: number | undefined, totals: readonly Total[], players: number): Step[]
}

/** Returns the sum of amounts. */
export const sumOf = (amounts: readonly number[]): number => amounts.reduce((a, b) => a + b, 0)

/** Returns what a check has found wrong: nothing if it is ok. */
export const wrongUnless = (ok: boolean, what: string, shown: unknown, expected: unknown): Step[] =>
  ok ? [] : [{ what, shown: raw(shown), computed: raw(expected), ok }]

/**
 * Adds up what was staked and paid in a round and names what does not agree: the bets one by one, the totals by
 * position, the sums at the end. Of a round without totals it names nothing.
 */
export function wrongSums(events: readonly { type: string; data: RoundData }[], { totals, has, wrongPaid }: Sums): Step[] {
  if (!Array.isArray(totals)) return []
  const all: readonly Total[] = totals
  const known = all.filter((t, i) => has(t.position) && Number.isSafeInteger(t.amount) && t.amount > 0 && all.findIndex((u) => u.position === t.position) === i)
  const odd = all.filter((t) => !known.includes(t)).map((t) => m.position_amount({ amount: raw(t.amount), position: raw(t.position) }))
  const staked = sumOf(known.map((t) => t.amount))
  const bets = events.filter((e) => e.type === 'bet.placed' || e.type === 'bet.removed')
  const oneByOne = sumOf(bets.map((e) => (e.type === 'bet.placed' ? 1 : -1) * (e.data.sum ?? Number.NaN)))
  const wrong = [
    ...wrongUnless(odd.length === 0, m.step_totals(), odd.join('; '), m.positions_once()),
    ...wrongUnless(oneByOne === staked, m.step_bets(), oneByOne, staked),
  ]
  const settled = events.find((e) => e.type === 'round.settled')?.data
  if (settled === undefined) return wrong
  const named = sumOf((settled.winners ?? []).map((w) => w.payout))
  return [
    ...wrong,
    ...wrongUnless(settled.staked === staked, m.step_staked(), settled.staked, staked),
    ...wrongPaid(settled.paid, known, new Set(bets.map((e) => e.data.seat)).size),
    ...wrongUnless(named <= (settled.paid ?? Number.NaN), m.step_winners(), named, settled.paid),
  ]
}
