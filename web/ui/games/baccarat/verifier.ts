// Written from "Rules", "Events and view" and "Fairness" in docs/games/baccarat.md, not from the server's code.
import type { Round, Step, StoredEvent, Verifier } from '../../shared/games'
import { m } from '../../shared/messages'
import { raw } from '../../verify/raw'
import { isPair, pointsOf, sayPoints, sayPosition, winnerOf } from './cards'
import Explain from './Explain.svelte'
import { sayResult } from './roads'
import { type Dealt, dealShoe, type Hand, type Shoe } from './shoe'
import { checkSums, type Rule } from './sums'
import type { Burned } from './types'

/** What was computed: the shoe, which of its hands the round is, and how banker was paid, if that shows. */
export interface Work {
  shoe: Shoe
  index: number
  rule: Rule | undefined
}

const step = (what: string, shown: unknown, computed: unknown): Step => ({ what, shown: raw(shown), computed: raw(computed), ok: raw(shown) === raw(computed) })
const wrongOf = (steps: Step[]): Step[] => steps.filter((s) => !s.ok)

/** Says a side, or who won: whatever else stands there stays as it is. */
const saySide = (side: unknown): string => (side === 'player' || side === 'banker' || side === 'tie' ? sayPosition(side) : raw(side))

/** Says what a round shows of a card, which may be anything. */
function sayDealt({ to, card, points, cut }: Partial<Dealt>): string {
  const of = { card: raw(card), side: saySide(to), points: typeof points === 'number' ? sayPoints(points) : raw(points) }
  return cut ? m.baccarat_card_to_after_cut(of) : m.baccarat_card_to(of)
}
const codeOf = ({ to, card }: Partial<Dealt>): string => `${raw(to)[0] ?? ''} ${raw(card)}`
const sayBurned = (b: Partial<Burned> | undefined): string => (b ? m.baccarat_burned_card({ card: raw(b.card), count: b.count ?? Number.NaN }) : m.baccarat_nothing())
const sayWin = (hand: Hand): string => {
  const [player, banker] = [pointsOf(hand.player), pointsOf(hand.banker)]
  return sayResult({ round: 0, player, banker, winner: winnerOf(player, banker) })
}

/** Deals the whole shoe again and compares the round with its hand, event by event; then adds up what was staked and paid. */
const verifier: Verifier<Work> = {
  verify(round) {
    const shoe = dealShoe(round.seed, round.since)
    const index = round.round - round.since
    const hand = shoe.hands[index]
    if (!hand) {
      const steps = [step(m.baccarat_step_in_shoe(), m.baccarat_hand_number({ hand: index + 1 }), m.baccarat_hands_at_most({ count: shoe.hands.length }))]
      return { outcome: { what: m.baccarat_result(), value: m.baccarat_nothing(), claimed: true }, steps, work: { shoe, index, rule: undefined } }
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
    return { outcome: { what: m.baccarat_result(), value: sayWin(hand), claimed: settled !== undefined }, steps, work: { shoe, index, rule } }
  },
  explain: Explain,
}

/** Checks the card that was turned over before the first hand; burned is undefined in every other hand. */
function checkBurned({ events }: Round, burned: Burned | undefined): Step[] {
  const shown = events.filter((e) => e.type === 'card.burned').map((e) => sayBurned(e.data as Partial<Burned>))
  if (shown.length === 0 && !events.some((e) => e.type === 'card.dealt')) return []
  const s = step(m.baccarat_step_burned(), shown.join('; ') || sayBurned(undefined), sayBurned(burned))
  return burned || !s.ok ? [s] : []
}

/** Compares each card that was dealt. A round that has no result may have ended before its last card. */
function checkCards({ events }: Round, hand: Hand, complete: boolean): Step[] {
  const dealt = events.filter((e) => e.type === 'card.dealt').map((e) => e.data as Partial<Dealt>)
  if (dealt.length === 0 && !complete) return []
  const codes = (cards: readonly Partial<Dealt>[]): string => cards.map(codeOf).join(', ')
  const all = step(m.baccarat_step_cards(), codes(dealt), codes(complete ? hand.cards : hand.cards.slice(0, dealt.length)))
  const each = dealt.map((shown, i) => {
    const expected = hand.cards[i]
    return step(m.baccarat_step_card({ number: i + 1 }), sayDealt(shown), expected ? sayDealt(expected) : m.baccarat_no_more_cards())
  })
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
  const say = (member: string, value: unknown): unknown => (member === 'winner' ? saySide(value) : value)
  const of = (member: string): Step => step(m.baccarat_step_result({ member }), say(member, shown[member]), say(member, expected[member]))
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
  return ok ? [] : [{ what: m.baccarat_step_order(), shown: events.map((e) => e.type).join(', '), computed: m.baccarat_order(), ok }]
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
