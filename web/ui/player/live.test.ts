import { expect, test } from 'vitest'
import { liveOf } from './live'

const at = Date.parse('2026-05-04T12:30:00.000Z')

test('a card says whether bets are open, and for how long by the server’s clock', () => {
  const betting = { phase: 'betting', round: 7, closes_at: '2026-05-04T12:30:10.250Z' }
  expect(liveOf(betting, at)).toEqual({ text: 'Place your bets', seconds: 11 })
  expect(liveOf(betting, at + 10_000)).toEqual({ text: 'Place your bets', seconds: 1 })
  expect(liveOf(betting, at + 10_250)).toEqual({ text: 'No more bets' })
  expect(liveOf({ phase: 'betting', round: 7 }, at)).toEqual({ text: 'The first bet starts the clock' })
  expect(liveOf({ phase: 'playing', round: 7 }, at)).toEqual({ text: 'No more bets' })
  expect(liveOf({ phase: 'settled', round: 7 }, at)).toEqual({ text: 'Next round soon' })
})

test('of a game without rounds, or a brief that is none, a card says nothing', () => {
  for (const brief of [undefined, null, 5, 'x', {}, { phase: 3 }, { phase: 'ended', round: 7 }]) expect(liveOf(brief, at)).toEqual({ text: '' })
  expect(liveOf({ phase: 'betting', closes_at: 'soon' }, at)).toEqual({ text: 'No more bets' })
})
