import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { commitmentOf, judge, readRound } from '../../verify/round'
import verifier, { draw } from './verifier'

interface Vector {
  seed: string
  round: number
  commitment: string
  pocket: number
}

const file = JSON.parse(readFileSync(new URL('../../../../rooms/fair/testdata/vectors.json', import.meta.url), 'utf8')) as Vector[] | { vectors: Vector[] }
const vectors = Array.isArray(file) ? file : file.vectors

test("the server's vectors come out the same here", () => {
  expect(vectors.length).toBeGreaterThan(10)
  for (const v of vectors) {
    if (v.commitment) expect(commitmentOf(v.seed)).toBe(v.commitment)
    expect(draw(v.seed, v.round).pocket).toBe(v.pocket)
  }
})

test('a changed pocket, seed or commitment is noticed', () => {
  const v = vectors[0]!
  const proof = { round: v.round, seed: v.seed, commitment: commitmentOf(v.seed), pocket: v.pocket }
  const verify = (round: object) => judge(readRound(JSON.stringify(round)), verifier)
  expect(verify(proof).ok).toBe(true)
  expect(verify({ ...proof, pocket: (v.pocket + 1) % 37 }).ok).toBe(false)
  expect(verify({ ...proof, commitment: proof.commitment.replace(/^./, (c) => (c === '0' ? '1' : '0')) }).ok).toBe(false)
  expect(verify({ ...proof, seed: proof.seed.replace(/^./, (c) => (c === '0' ? '1' : '0')) }).ok).toBe(false)
})

test('a round that contradicts itself is noticed, and where', () => {
  const v = vectors[0]!
  const commitment = commitmentOf(v.seed)
  const { round, seed, pocket } = v
  const opened = { type: 'round.opened', data: { round, commitment } }
  const placed = { type: 'bet.placed', data: { round } }
  const spun = { type: 'wheel.spun', data: { round, seed, pocket, commitment } }
  const settled = { type: 'round.settled', data: { round, pocket } }
  const wrong = (...events: object[]): string[] =>
    judge(readRound(JSON.stringify({ room: 'r', round, events })), verifier).steps.filter((s) => !s.ok).map((s) => s.what)
  expect(wrong(opened, placed, spun, settled)).toEqual([])
  expect(wrong(opened, spun)).toEqual([])
  const voided = { type: 'round.voided', data: { round, reason: 'test', seed } }
  expect(wrong(opened, placed, voided)).toEqual([])
  expect(wrong(opened, placed, { ...voided, data: { ...voided.data, seed: 'a'.repeat(64) } })).toEqual(['The seed is the one that was committed to before the first bet'])
  const other = (pocket + 1) % 37
  expect(wrong(opened, placed, spun, { ...settled, data: { round, pocket: other } })).toEqual(['The number that was paid is the number that was spun'])
  expect(wrong(opened, placed, { ...spun, data: { ...spun.data, commitment: 'a'.repeat(64) } })).toEqual(['Every commitment is the one that was shown first (wheel.spun)'])
  expect(wrong({ ...opened, data: { round: round + 1, commitment } }, spun)).toEqual(['Every event is of this round (round.opened)'])
  expect(wrong(placed, opened, spun)).toEqual(['The commitment came before the bets, and the spin after them'])
  const late = { type: 'betting.closed', data: { round, commitment } }
  expect(wrong({ type: 'round.opened', data: { round } }, placed, late, spun, settled)).toEqual(['The commitment came before the bets, and the spin after them'])
})

test('a round that claims no number gets the one that follows from its seed', () => {
  const { round, seed, pocket } = vectors[0]!
  const of = (more: object) => judge(readRound(JSON.stringify({ round, seed, commitment: commitmentOf(seed), ...more })), verifier).finding?.outcome
  expect(of({})).toEqual({ what: 'number', value: String(pocket), claimed: false })
  expect(of({ pocket })).toEqual({ what: 'number', value: String(pocket), claimed: true })
})
