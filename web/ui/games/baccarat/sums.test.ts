import { expect, test } from 'vitest'
import type { StoredEvent } from '../../shared/games'
import type { Hand } from './shoe'
import { checkSums } from './sums'

const hand = (player: string, banker: string): Hand => ({ cards: [], player: player.split(' '), banker: banker.split(' ') })
const banker7 = hand('2h 2c 9s', '7h Kd')
const banker6 = hand('2h 3c Ks', 'Ah 5d')
const player9 = hand('4h 5c', '3h 3d')
const tie6 = hand('2h 4c', '6h Kd')

/** A round in which as many players as there are bets bet; what they have together is in the totals. */
function round(totals: Record<string, number>, paid: number, players = 1, more: object = {}): StoredEvent[] {
  const staked = Object.values(totals).reduce((a, b) => a + b, 0)
  return [
    ...Array.from({ length: players }, (_, i) => ({ type: 'bet.placed', data: { seat: i + 1, sum: i === 0 ? staked - players + 1 : 1 } })),
    { type: 'betting.closed', data: { totals: Object.entries(totals).map(([position, amount]) => ({ position, amount })) } },
    { type: 'round.settled', data: { staked, paid, winners: [], ...more } },
  ]
}
const what = 'What was paid follows from the totals and the cards'
const check = (h: Hand, totals: Record<string, number>, paid: number, players?: number): string[] => checkSums(round(totals, paid, players), h).wrong.map((s) => s.what)

test('each position pays what the table says', () => {
  const pays: [Hand, string, number][] = [
    [player9, 'player', 200], [player9, 'banker', 0], [player9, 'tie', 0], [player9, 'banker_pair', 1200], [player9, 'player_pair', 0],
    [tie6, 'player', 100], [tie6, 'banker', 100], [tie6, 'tie', 900], [banker7, 'player', 0], [banker7, 'player_pair', 1200], [banker7, 'tie', 0],
  ]
  for (const [h, position, paid] of pays) {
    expect([position, check(h, { [position]: 100 }, paid)]).toEqual([position, []])
    expect([position, check(h, { [position]: 100 }, paid + 1)]).toEqual([position, [what]])
  }
})

test('banker pays less a commission, or without one 1:1 and with six points 1:2, and which it was is said', () => {
  const of = (h: Hand, paid: number) => {
    const { wrong, rule } = checkSums(round({ banker: 200, player: 100 }, paid), h)
    return wrong.length > 0 ? 'wrong' : rule
  }
  expect([of(banker7, 390), of(banker7, 400), of(banker7, 395), of(banker7, 300)]).toEqual(['commission', 'no commission', 'wrong', 'wrong'])
  expect([of(banker6, 390), of(banker6, 300), of(banker6, 400)]).toEqual(['commission', 'no commission', 'wrong'])
  expect([of(player9, 200), of(tie6, 300)]).toEqual([undefined, undefined])
})

test('commission is rounded up and halves down for each player, so that several may differ by units from their total', () => {
  expect(check(banker7, { banker: 105 }, 210 - 6)).toEqual([])
  expect(check(banker7, { banker: 105 }, 210 - 5)).toEqual([what])
  // Of 105, three players may have 103, 1 and 1: commission 6 + 1 + 1.
  for (const commission of [6, 7, 8]) expect(check(banker7, { banker: 105 }, 210 - commission, 3)).toEqual([])
  for (const commission of [5, 9]) expect(check(banker7, { banker: 105 }, 210 - commission, 3)).toEqual([what])
  expect(check(banker6, { banker: 105 }, 105 + 52)).toEqual([])
  expect(check(banker6, { banker: 105 }, 105 + 53)).toEqual([what])
  expect(check(banker6, { banker: 105 }, 105 + 51, 3)).toEqual([])
  expect(check(banker6, { banker: 105 }, 105 + 50, 3)).toEqual([what])
})

test('sums that do not agree, and a position that there is not, are named', () => {
  const of = (events: StoredEvent[]): string[] => checkSums(events, player9).wrong.map((s) => s.what)
  expect(of(round({ player: 100 }, 200, 1, { staked: 101 }))).toEqual(['What was staked is the sum of the totals'])
  expect(of(round({ player: 100, toString: 5 }, 200))).toContain('Every total is a whole amount on a position of its own')
  expect(of(round({ player: 100 }, 200, 1, { winners: [{ payout: 201 }] }))).toEqual(['The winners that are named got no more than was paid'])
  expect(of(round({}, 0, 0))).toEqual([])
})
