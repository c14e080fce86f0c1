// Written from "Rules" and "Fairness" in docs/games/baccarat.md, not from the server's code.
import { below, words } from '../../verify/stream'
import { cardAt, countOf, pointsOf } from './cards'
import type { Burned, Card, Side } from './types'

const size = 8 * 52

/** A card as it is dealt: points are those of the hand with it, cut says that the cut card lay before it. */
export interface Dealt {
  place: number
  to: Side
  card: Card
  points: number
  cut: boolean
}

/** A hand, its cards in the order in which they are dealt. */
export interface Hand {
  cards: Dealt[]
  player: Card[]
  banker: Card[]
}

/** A whole shoe, as it was shuffled and dealt. */
export interface Shoe {
  cards: Card[]
  /** The cut card lies before this place. */
  cut: number
  burned: Burned
  hands: Hand[]
}

/** Returns the shoe that follows from a seed and the round of its first hand. */
export function dealShoe(seed: string, first: number): Shoe {
  const from = words(seed, `pitboss.baccarat.v1:${first}`)
  const cards = Array.from({ length: size }, (_, i) => cardAt(i))
  for (let i = size - 1; i >= 1; i--) {
    const j = below(i + 1, from).value
    const card = cards[i]!
    cards[i] = cards[j]!
    cards[j] = card
  }
  const cut = size - 14 - below(3, from).value
  const burned = { card: cards[0]!, count: countOf(cards[0]!) || 10 }
  return { cards, cut, burned, hands: dealHands(cards, cut, 1 + burned.count) }
}

/** Deals all hands, the first from a place on. */
function dealHands(cards: readonly Card[], cut: number, place: number): Hand[] {
  const hands: Hand[] = []
  for (let over = false; !over; ) {
    over = cut <= place // the cut card came out before this hand's first card, or in the hand before
    const hand = dealHand(cards, cut, place)
    hands.push(hand)
    place += hand.cards.length
  }
  return hands
}

function dealHand(cards: readonly Card[], cut: number, place: number): Hand {
  const hand: Hand = { cards: [], player: [], banker: [] }
  const deal = (to: Side): Card => {
    const card = cards[place]!
    hand[to].push(card)
    hand.cards.push({ place, to, card, points: pointsOf(hand[to]), cut: place === cut })
    place++
    return card
  }
  for (const to of ['player', 'banker', 'player', 'banker'] as const) deal(to)
  const player = pointsOf(hand.player)
  const banker = pointsOf(hand.banker)
  if (player >= 8 || banker >= 8) return hand
  const third = player <= 5 ? countOf(deal('player')) : undefined
  if (third === undefined ? banker <= 5 : bankerDraws(banker, third)) deal('banker')
  return hand
}

/** Says whether banker draws, having these points, when player's third card counts third. */
function bankerDraws(points: number, third: number): boolean {
  switch (points) {
    case 0: case 1: case 2: return true
    case 3: return third !== 8
    case 4: return third >= 2 && third <= 7
    case 5: return third >= 4 && third <= 7
    case 6: return third === 6 || third === 7
    default: return false
  }
}
