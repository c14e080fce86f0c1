// Written from "Positions" in docs/games/baccarat.md, not from the server's code.
import type { Step, StoredEvent } from '../../shared/games'
import { m } from '../../shared/messages'
import { type RoundData, sumOf, type Total, wrongSums as wrongSumsOf, wrongUnless } from '../../verify/sums'
import { isPair, pointsOf, winnerOf } from './cards'
import type { Hand } from './shoe'

/** How banker was paid: a round does not say which rule its table has. */
export type Rule = 'commission' | 'no commission'

interface Range {
  least: number
  most: number
}

/** What each position but banker pays a stake of 1 that won, the stake with it. */
const pays: Record<string, number> = { player: 2, tie: 9, player_pair: 12, banker_pair: 12 }

/** Adds up what was staked and paid in a round, names what does not agree, and says which rule for banker fits, if only one does. */
export function checkSums(events: readonly StoredEvent[], hand: Hand): { wrong: Step[]; rule: Rule | undefined } {
  let rule: Rule | undefined
  const wrong = wrongSumsOf(events as readonly { type: string; data: RoundData }[], {
    totals: events.find((e) => e.type === 'betting.closed')?.data.totals as Total[] | undefined,
    has: (position) => position === 'banker' || Object.hasOwn(pays, position),
    wrongPaid(paid, totals, players) {
      const ranges = rangesOf(hand, totals, players)
      const fitting = (Object.keys(ranges) as Rule[]).filter((r) => paid !== undefined && paid >= ranges[r].least && paid <= ranges[r].most)
      if (fitting.length === 1) rule = fitting[0]
      return wrongUnless(fitting.length > 0, m.baccarat_step_paid(), paid, say(ranges))
    },
  })
  return { wrong, rule }
}

/** Returns what may be paid under either rule: to the unit, but for what rounding gives or takes when several players share a total. */
function rangesOf(hand: Hand, totals: readonly Total[], players: number): Record<Rule, Range> {
  const points = pointsOf(hand.banker)
  const winner = winnerOf(pointsOf(hand.player), points)
  const won = (position: string): boolean => position === winner || (position === 'player_pair' && isPair(hand.player)) || (position === 'banker_pair' && isPair(hand.banker))
  const back = (position: string): boolean => winner === 'tie' && (position === 'player' || position === 'banker')
  const banker = winner === 'banker' ? sumOf(totals.filter((t) => t.position === 'banker').map((t) => t.amount)) : 0
  const rest = sumOf(totals.map(({ position, amount }) => (back(position) ? amount : won(position) ? amount * (pays[position] ?? 0) : 0)))
  const sharing = Math.min(players, banker)
  const six = { least: banker + Math.ceil((banker - sharing) / 2), most: banker + Math.floor(banker / 2) }
  const even = { least: 2 * banker, most: 2 * banker }
  const less = { least: 2 * banker - Math.floor((banker + 19 * sharing) / 20), most: 2 * banker - Math.ceil(banker / 20) }
  const plus = ({ least, most }: Range): Range => ({ least: rest + least, most: rest + most })
  return { commission: plus(less), 'no commission': plus(points === 6 ? six : even) }
}

function say(ranges: Record<Rule, Range>): string {
  const one = ({ least, most }: Range): string => (least === most ? String(least) : m.range({ least, most }))
  const [less, free] = [one(ranges.commission), one(ranges['no commission'])]
  return less === free ? less : m.baccarat_paid_either({ less, free })
}
