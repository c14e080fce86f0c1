import { expect, test } from 'vitest'
import { bigRoad, ofShoe, sayCounts, sayResult } from './roads'
import type { Result, Winner } from './types'

const winners: Record<string, Winner> = { P: 'player', B: 'banker', T: 'tie' }
const of = (text: string): Result[] => [...text].map((w, i) => ({ round: i + 1, winner: winners[w]!, player: w === 'B' ? 2 : 7, banker: w === 'P' ? 2 : 7 }))

/** Draws a big road as it is seen, with the count of ties behind a mark. */
function drawn(text: string): string[] {
  const marks = bigRoad(of(text))
  const columns = Math.max(-1, ...marks.map((m) => m.column)) + 1
  return Array.from({ length: 6 }, (_, row) =>
    Array.from({ length: columns }, (_, column) => {
      const found = marks.filter((m) => m.row === row && m.column === column)
      expect(found.length).toBeLessThanOrEqual(1)
      const m = found[0]
      return m ? (m.result ? m.result.winner[0]!.toUpperCase() : '?') + (m.ties || '') : '.'
    }).join(' ').replace(/[ .]+$/, ''),
  ).filter((line) => line !== '')
}

test('a column is a run of one winner, and ties are counted on the mark before them', () => {
  expect(drawn('')).toEqual([])
  expect(drawn('BBPBT')).toEqual(['B P B1', 'B'])
  expect(drawn('BTTBTP')).toEqual(['B2 P', 'B1'])
})

test('ties at the beginning are counted on the first mark', () => {
  expect(drawn('TT')).toEqual(['?2'])
  expect(drawn('TTPTPB')).toEqual(['P3 B', 'P'])
})

test("a run that is longer than six goes on to the right, and so does one that meets another's tail", () => {
  expect(drawn('BBBBBBBB')).toEqual(['B', 'B', 'B', 'B', 'B', 'B B B'])
  expect(drawn('BBBBBBBBPPPPPPP')).toEqual(['B P', 'B P', 'B P', 'B P', 'B P P P', 'B B B'])
  // The tail of the first ends in column 1, so that the run in column 2 has six again.
  expect(drawn('BBBBBBBPBBBBBB')).toEqual(['B P B', 'B . B', 'B . B', 'B . B', 'B . B', 'B B B'])
  // Below a tail that has turned there may be room; it goes on to the right all the same.
  expect(drawn('BBBBBBBPPPPPPP')).toEqual(['B P', 'B P', 'B P', 'B P', 'B P P P', 'B B'])
})

test('no two marks share a place, however the hands fall', () => {
  let n = 1
  for (let i = 0; i < 60; i++) {
    let text = ''
    for (let k = 0; k < 200; k++) {
      n = (n * 48271) % 2147483647
      text += n % 100 < 8 ? 'T' : text.at(-1) === 'B' || n % 7 === 0 ? (n % 9 === 0 ? 'P' : 'B') : n % 3 === 0 ? 'B' : 'P'
    }
    drawn(text)
    expect(bigRoad(of(text)).reduce((sum, m) => sum + m.ties + (m.result ? 1 : 0), 0)).toBe(200)
  }
})

test('results are said in words, and counted', () => {
  const [banker, tie, player] = of('BTP') as [Result, Result, Result]
  expect(sayResult(banker)).toBe('Banker wins, 7 to 2')
  expect(sayResult({ ...player, player_pair: true })).toBe('Player wins, 7 to 2, Player pair')
  expect(sayResult({ ...tie, player_pair: true, banker_pair: true })).toBe('Tie at 7, both pairs')
  expect(sayCounts(of('BTPB'))).toBe('4 hands: banker 2, player 1, tie 1')
  expect([sayCounts(of('P')), sayCounts([])]).toEqual(['1 hand: banker 0, player 1, tie 0', 'No hands yet'])
  expect(ofShoe(of('BTPB'), 3).map((r) => r.round)).toEqual([3, 4])
})
