import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { commitmentOf } from '../../verify/round'
import { cardAt, countOf, isPair, pointsOf, sayCard, sayPoints, winnerOf } from './cards'
import { dealShoe } from './shoe'

interface Vector {
  seed: string
  first: number
  commitment: string
  cards: string // the SHA-256 of all cards in order
  cut: number
  burned: { card: string; count: number }
  hands: string[]
}

const vectors = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8')) as Vector[]

test('shoes that other code has dealt come out the same here', () => {
  expect(vectors.length).toBeGreaterThan(4)
  for (const v of vectors) {
    const { cards, cut, burned, hands } = dealShoe(v.seed, v.first)
    expect(commitmentOf(v.seed)).toBe(v.commitment)
    expect([createHash('sha256').update(cards.join(' ')).digest('hex'), cut, burned]).toEqual([v.cards, v.cut, v.burned])
    const said = hands.map(({ player, banker }) => {
      const [p, b] = [pointsOf(player), pointsOf(banker)]
      return `${player.join(' ')} / ${banker.join(' ')} / ${p}-${b} ${winnerOf(p, b)}`
    })
    expect(said).toEqual(v.hands)
  }
})

test('places follow one another, and the cut card comes out in the last hand but one, or before the last', () => {
  const before: boolean[] = []
  for (const { seed, first } of vectors) {
    const { cards, cut, burned, hands } = dealShoe(seed, first)
    const dealt = hands.flatMap((h) => h.cards)
    expect(dealt.map((d) => d.place)).toEqual(dealt.map((_, i) => 1 + burned.count + i))
    for (const d of dealt) expect([d.card, d.cut]).toEqual([cards[d.place], d.place === cut])
    const at = hands.findIndex((h) => h.cards.some((d) => d.cut))
    const first4 = hands[at]!.cards[0]!.cut
    expect(at).toBe(hands.length - (first4 ? 1 : 2))
    before.push(first4)
  }
  expect(new Set(before)).toEqual(new Set([true, false]))
})

test('there are eight of each card, and they count what they count', () => {
  const counts: Record<string, number> = {}
  for (let i = 0; i < 416; i++) counts[cardAt(i)] = (counts[cardAt(i)] ?? 0) + 1
  expect([Object.keys(counts).length, new Set(Object.values(counts))]).toEqual([52, new Set([8])])
  expect([...'A23456789TJQK'].map((r) => countOf(`${r}h`))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0])
  expect([pointsOf([]), pointsOf(['8h', '5c']), pointsOf(['Kd', 'Qs', 'Ah'])]).toEqual([0, 3, 1])
  expect([isPair([]), isPair(['8h', '8h']), isPair(['8h', '8d', '2c']), isPair(['8h', '7h']), isPair(['Kh', 'Qh'])]).toEqual([false, true, true, false, false])
  expect([sayCard('8h'), sayCard('Ts'), sayCard('Ad'), sayPoints(1), sayPoints(0)]).toEqual(['eight of hearts', 'ten of spades', 'ace of diamonds', '1 point', '0 points'])
})
