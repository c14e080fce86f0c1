import { expect, test } from 'vitest'
import type { Verifier } from '../shared/games'
import { commitmentOf, judge, readRound } from './round'

const seed = '11'.repeat(32)
const commitment = commitmentOf(seed)
const committed = { type: 'committed', data: { round: 1, commitment } }
const played = { type: 'played', data: { round: 1 } }
const revealed = { type: 'revealed', data: { round: 1, seed, commitment } }

const read = (round: object) => readRound(JSON.stringify(round))
const wrong = (...events: object[]): string[] => judge(read({ room: 'r', game: 'g', round: 1, events }), undefined).steps.filter((s) => !s.ok).map((s) => s.what)

test('what is no round is refused in words', () => {
  expect(() => readRound('null')).toThrow('not a round')
  expect(() => readRound('{}')).toThrow('round number')
  expect(() => readRound('{"round": 1, "commitment": "abc"}')).toThrow('commitment')
  expect(() => read({ round: 1, commitment, seed: 'abc' })).toThrow('The seed is not')
  expect(() => read({ round: 1, events: [committed, played] })).toThrow('not public yet')
  expect(() => read({ round: 1, events: [null, { data: null }, 5] })).toThrow('commitment')
})

test('a round is read from its events, or from what was pasted instead of them', () => {
  expect(read({ room: 'r', game: 'g', round: 1, events: [committed, played, revealed] })).toMatchObject({ room: 'r', game: 'g', round: 1, commitment, seed })
  expect(read({ round: 1, commitment: commitment.toUpperCase(), seed, score: 5 })).toEqual({ round: 1, events: [], commitment, seed, claims: { commitment: commitment.toUpperCase(), seed, score: 5 } })
})

test('of every game, the seed must be the committed one, shown later, and the same wherever it is shown', () => {
  expect(wrong(committed, played, revealed)).toEqual([])
  expect(wrong({ ...committed, data: { round: 1, commitment: 'a'.repeat(64) } }, played, revealed)).toEqual([
    'The seed is the one that was committed to before the first bet', 'Every commitment is the one that was shown first (revealed)',
  ])
  expect(wrong(played, revealed)).toEqual(['The commitment was shown before the seed'])
  expect(wrong(committed, revealed, { type: 'paid', data: { seed: 'b'.repeat(64) } })).toEqual(['Every seed is the one that was shown first (paid)'])
  expect(wrong(committed, { type: 'played', data: { round: 2 } }, revealed)).toEqual(['Every event is of this round (played)'])
})

test("a game's verifier adds its steps, and without one there is no outcome", () => {
  const step = { what: 'The score follows', shown: '1', computed: '2', ok: false }
  const verifier = { verify: () => ({ outcome: { what: 'score', value: '2', claimed: true }, steps: [step], work: undefined }) } as unknown as Verifier
  const round = read({ round: 1, events: [committed, revealed] })
  expect(judge(round, verifier)).toMatchObject({ ok: false, finding: { outcome: { value: '2' } } })
  expect(judge(round, undefined)).toMatchObject({ ok: true, finding: undefined })
})
