import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { cardAt, countOf, isPair, pointsOf, sayCard, sayPoints, winnerOf } from './cards'
import { dealShoe } from './shoe'

/** A whole shoe, dealt by a program of its own: cards in order, and hands as "8h 3d - Kc 2s". */
interface Vector {
  seed: string
  first: number
  cards: string
  cut: number
  burned: number
  hands: string[]
}

const vectors = JSON.parse(readFileSync(new URL('../../../../rooms/baccarat/testdata/shoes.json', import.meta.url), 'utf8')) as Vector[]

test("the server's vectors come out the same here", () => {
  expect(vectors.length).toBeGreaterThan(10)
  for (const v of vectors) {
    const { cards, cut, burned, hands } = dealShoe(v.seed, v.first)
    expect([cards.join(' '), cut, burned]).toEqual([v.cards, v.cut, { card: v.cards.slice(0, 2), count: v.burned }])
    expect(hands.map(({ player, banker }) => `${player.join(' ')} - ${banker.join(' ')}`)).toEqual(v.hands)
  }
})

test('places follow one another, and the cut card comes out in the last hand but one, or before the last', () => {
  const before = new Set<boolean>()
  for (const { seed, first } of vectors) {
    const { cards, cut, burned, hands } = dealShoe(seed, first)
    const dealt = hands.flatMap((h) => h.cards)
    expect(dealt.map((d) => d.place)).toEqual(dealt.map((_, i) => 1 + burned.count + i))
    for (const d of dealt) expect([d.card, d.cut]).toEqual([cards[d.place], d.place === cut])
    const at = hands.findIndex((h) => h.cards.some((d) => d.cut))
    const atFirstCard = hands[at]!.cards[0]!.cut
    expect(at).toBe(hands.length - (atFirstCard ? 1 : 2))
    before.add(atFirstCard)
  }
  expect(before).toEqual(new Set([true, false]))
})

test('there are eight of each card, and they count what they count', () => {
  const counts: Record<string, number> = {}
  for (let i = 0; i < 416; i++) counts[cardAt(i)] = (counts[cardAt(i)] ?? 0) + 1
  expect([Object.keys(counts).length, new Set(Object.values(counts))]).toEqual([52, new Set([8])])
  expect([...'A23456789TJQK'].map((r) => countOf(`${r}h`))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0])
  expect([pointsOf([]), pointsOf(['8h', '5c']), pointsOf(['Kd', 'Qs', 'Ah'])]).toEqual([0, 3, 1])
  expect([winnerOf(7, 6), winnerOf(6, 7), winnerOf(0, 0)]).toEqual(['player', 'banker', 'tie'])
  expect([isPair([]), isPair(['8h', '8h']), isPair(['8h', '8d', '2c']), isPair(['8h', '7h']), isPair(['Kh', 'Qh'])]).toEqual([false, true, true, false, false])
  expect([sayCard('8h'), sayCard('Ts'), sayCard('Ad'), sayPoints(1), sayPoints(0)]).toEqual(['eight of hearts', 'ten of spades', 'ace of diamonds', '1 point', '0 points'])
})
