// Cards, the points of hands, and their words: "Rules" in docs/games/baccarat.md.
import { m } from '../../shared/messages'
import type { Card, Position, Winner } from './types'

const ranks = 'A23456789TJQK'
const suits = 'cdhs'
const rankWords = ['ace', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'jack', 'queen', 'king'] as const
const suitWords = { c: 'clubs', d: 'diamonds', h: 'hearts', s: 'spades' } as const

/** The signs of the suits, as text and not as pictures. */
const signs: Record<string, string> = { c: '♣\uFE0E', d: '♦\uFE0E', h: '♥\uFE0E', s: '♠\uFE0E' }

/** Returns the i-th card of eight decks in order. */
export const cardAt = (i: number): Card => ranks[i % 13]! + suits[Math.floor(i / 13) % 4]!

/** Returns what a card counts in a hand: an ace 1, ten and court cards 0. */
export const countOf = (card: Card): number => Math.min(10, ranks.indexOf(card[0] ?? '') + 1) % 10

/** Returns the points of a hand. */
export const pointsOf = (hand: readonly Card[]): number => hand.reduce((n, c) => n + countOf(c), 0) % 10

/** Says whether the first two cards of a hand have the same rank. */
export const isPair = (hand: readonly Card[]): boolean => hand.length > 1 && hand[0]![0] === hand[1]![0]

/** Returns who wins with these points. */
export const winnerOf = (player: number, banker: number): Winner => (player > banker ? 'player' : player < banker ? 'banker' : 'tie')

/** Returns the rank and the sign of a card, to be drawn. */
export const faceOf = (card: Card): { rank: string; sign: string; red: boolean } => ({
  rank: card[0] === 'T' ? '10' : (card[0] ?? ''), sign: signs[card[1] ?? ''] ?? '', red: card[1] === 'd' || card[1] === 'h',
})

/** Says a card: "eight of hearts". */
export function sayCard(card: Card): string {
  const rank = rankWords[ranks.indexOf(card[0] ?? '')]
  const suit = suitWords[(card[1] ?? '') as keyof typeof suitWords]
  return rank && suit ? m.baccarat_card({ rank: m[`baccarat_${rank}`](), suit: m[`baccarat_${suit}`]() }) : card
}

/** Says points: "8 points". */
export const sayPoints = (n: number): string => m.baccarat_points({ count: n })

/** Returns the name of a position, or of who won. */
export const sayPosition = (position: Position): string => m[`baccarat_${position}`]()
