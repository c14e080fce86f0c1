// Written from "Rules", "Events and view" and "Fairness" in docs/games/baccarat.md, not from the server's code.
import type { Round, Step, StoredEvent, Verifier } from '../../shared/games'
import { isPair, pointsOf, winnerOf } from './cards'
import Explain from './Explain.svelte'
import { type Dealt, dealShoe, type Hand, type Shoe } from './shoe'
import { checkSums, type Rule } from './sums'
import type { Burned } from './types'

/** What was computed: the shoe, which of its hands the round is, and how banker was paid, if that shows. */
export interface Work {
  shoe: Shoe
  index: number
  rule: Rule | undefined
}

const step = (what: string, shown: unknown, computed: unknown): Step => ({ what, shown: String(shown), computed: String(computed), ok: String(shown) === String(computed) })
const wrongOf = (steps: Step[]): Step[] => steps.filter((s) => !s.ok)

const sayDealt = ({ to, card, points, cut }: Partial<Dealt>): string => `${card} to ${to}, ${points} points${cut ? ', after the cut card' : ''}`
const sayBurned = (b: Partial<Burned> | undefined): string => (b ? `${b.card}, and ${b.count} cards put away` : 'nothing')
const sayWin = (hand: Hand): string => {
  const [player, banker] = [pointsOf(hand.player), pointsOf(hand.banker)]
  return `${winnerOf(player, banker)}, player ${player} to banker ${banker}`
}

/** Deals the whole shoe again and compares the round with its hand, event by event; then adds up what was staked and paid. */
const verifier: Verifier<Work> = {
  verify(round) {
    const shoe = dealShoe(round.seed, round.since)
    const index = round.round - round.since
    const hand = shoe.hands[index]
    if (!hand) {
      const steps = [step('The hand is one of its shoe', `hand ${index + 1}`, `at most ${shoe.hands.length} hands`)]
      return { outcome: { what: 'winner', value: 'none', claimed: true }, steps, work: { shoe, index, rule: undefined } }
    }
    const { wrong, rule } = checkSums(round.events, hand)
    const settled = round.events.find((e) => e.type === 'round.settled')?.data ?? (round.claims.winner === undefined ? undefined : round.claims)
    const steps = [
      ...checkBurned(round, index === 0 ? shoe.burned : undefined),
      ...checkCards(round, hand, settled !== undefined && round.events.length > 0),
      ...(settled ? checkSettled(settled, hand) : []),
      ...checkOrder(round.events),
      ...checkOnce(round.events),
      ...wrong,
    ]
    return { outcome: { what: 'winner', value: sayWin(hand), claimed: settled !== undefined }, steps, work: { shoe, index, rule } }
  },
  explain: Explain,
}

/** Checks the card that was turned over before the first hand; burned is undefined in every other hand. */
function checkBurned({ events }: Round, burned: Burned | undefined): Step[] {
  const shown = events.filter((e) => e.type === 'card.burned').map((e) => sayBurned(e.data as Partial<Burned>))
  if (shown.length === 0 && !events.some((e) => e.type === 'card.dealt')) return []
  const s = step('The first card of the shoe, and the cards put away after it', shown.join('; ') || 'nothing', sayBurned(burned))
  return burned || !s.ok ? [s] : []
}

/** Compares each card that was dealt. A round that has no result may have ended before its last card. */
function checkCards({ events }: Round, hand: Hand, complete: boolean): Step[] {
  const dealt = events.filter((e) => e.type === 'card.dealt').map((e) => sayDealt(e.data as Partial<Dealt>))
  const expected = hand.cards.map(sayDealt)
  if (dealt.length === 0 && !complete) return []
  const cards = (list: readonly string[]): string => list.map((s) => s.replace(/^(\S+) to (\S).*$/, '$2 $1')).join(', ')
  const all = step('The cards follow from the seed', cards(dealt), cards(complete ? expected : expected.slice(0, dealt.length)))
  const each = dealt.map((shown, i) => step(`Card ${i + 1} is the one that follows from the seed, with its points`, shown, expected[i] ?? 'no more cards'))
  return [all, ...wrongOf(each)]
}

function checkSettled(settled: StoredEvent['data'], hand: Hand): Step[] {
  const [player, banker] = [pointsOf(hand.player), pointsOf(hand.banker)]
  const expected: Record<string, unknown> = {
    player: hand.player, banker: hand.banker, player_points: player, banker_points: banker, winner: winnerOf(player, banker),
    player_pair: isPair(hand.player), banker_pair: isPair(hand.banker),
  }
  const pairs = { player_pair: settled.player_pair ?? false, banker_pair: settled.banker_pair ?? false }
  const shown: Record<string, unknown> = 'player_points' in settled ? { ...settled, ...pairs } : { winner: settled.winner }
  const of = (member: string): Step => step(`The result that was paid is the one of the cards (${member})`, shown[member], expected[member])
  return [of('winner'), ...wrongOf(Object.keys(expected).filter((m) => m !== 'winner' && 'player_points' in shown).map(of))]
}

const stages: Readonly<Record<string, number>> = {
  'round.opened': 0, 'bet.placed': 1, 'bet.removed': 1, 'betting.closed': 2, 'card.burned': 3, 'card.dealt': 4, 'round.settled': 5, 'round.voided': 5, 'seed.revealed': 5,
}

/** Checks that the commitment came before the bets, and the cards after them. */
function checkOrder(events: readonly StoredEvent[]): Step[] {
  const committed = events.findIndex((e) => e.data.commitment !== undefined)
  const list = events.map((e, i) => (i === committed ? 0 : stages[e.type])).filter((n) => n !== undefined)
  const ok = list.every((n, i) => i === 0 || n >= list[i - 1]!)
  return ok ? [] : [{ what: 'The commitment came before the bets, and the cards after them', shown: events.map((e) => e.type).join(', '), computed: 'commitment, bets, cards, result', ok }]
}

/** Checks that a hand ended once at most, and that a hand that was paid says once what lay on the table: else its sums are not held to anything. */
function checkOnce(events: readonly StoredEvent[]): Step[] {
  const count = (...types: string[]): number => events.filter((e) => types.includes(e.type)).length
  const [ends, closed] = [count('round.settled', 'round.voided'), count('betting.closed')]
  return [
    ...(ends > 1 ? [step('The hand ended once', `${ends} times`, 'once')] : []),
    ...(count('round.settled') > 0 && closed !== 1 ? [step('What lay on the table was said once, when bets were closed', `${closed} times`, 'once')] : []),
  ]
}

export default verifier
