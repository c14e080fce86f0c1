import { expect, test } from 'vitest'
import type { Verifier } from '../shared/games'
import { commitmentOf, judge, NoProof, readRound } from './round'

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
  expect(read({ round: 1, commitment: commitment.toUpperCase(), seed, score: 5 })).toEqual({ round: 1, events: [], commitment, seed, claims: { commitment: commitment.toUpperCase(), seed, score: 5 }, since: 1 })
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

/** Round 5, of rounds 3 to 9 that one seed decides. */
const opened = { type: 'round.opened', data: { round: 5, since: 3, commitment } }
const settled = { type: 'round.settled', data: { round: 5 } }
const shown = { type: 'seed.revealed', data: { round: 9, since: 3, commitment, seed } }
const served = (more: object = {}) => ({ room: 'r', game: 'g', round: 5, events: [opened, settled], proof: 'ready', revealed_by: shown, ...more })
const wrongServed = (more: object): string[] => judge(read(served(more)), undefined).steps.filter((s) => !s.ok).map((s) => s.what)

test('a seed that decided several rounds is read from the event that showed it', () => {
  expect(read(served())).toMatchObject({ round: 5, since: 3, seed, commitment, revealedBy: { type: 'seed.revealed' } })
  expect(judge(read(served()), undefined).ok).toBe(true)
  const last = { room: 'r', game: 'g', round: 9, proof: 'ready', events: [{ type: 'round.opened', data: { round: 9, since: 3, commitment } }, shown] }
  expect(judge(read(last), undefined).ok).toBe(true)
  const first = { ...opened, data: { round: 3, commitment } } // the first of them says no since
  expect(judge(read(served({ round: 3, events: [first] })), undefined).ok).toBe(true)
  const voided = { type: 'round.voided', data: { round: 9, reason: 'x', seed } } // which says neither the commitment nor since
  expect(judge(read(served({ revealed_by: voided })), undefined).ok).toBe(true)
  expect(() => read(served({ events: [{ ...opened, data: { round: 5, since: 6, commitment } }] }))).toThrow('not an earlier one')
})

test('an event that showed another seed, or of other rounds, is noticed', () => {
  const by = (more: object) => ({ revealed_by: { ...shown, data: { ...shown.data, ...more } } })
  const decided = 'The seed was shown with the last round that it decided, and decided this one'
  expect(wrongServed(by({ round: 4 }))).toEqual([decided])
  expect(wrongServed(by({ round: 5 }))).toEqual([])
  expect(wrongServed(by({ since: 4 }))).toEqual([decided])
  expect(wrongServed(by({ since: undefined }))).toEqual([decided])
  expect(wrongServed(by({ commitment: 'a'.repeat(64) }))).toEqual(['Every commitment is the one that was shown first (seed.revealed)'])
  expect(wrongServed(by({ seed: 'a'.repeat(64) }))).toEqual(['The seed is the one that was committed to before the first bet'])
  expect(wrongServed({ events: [opened, { ...settled, data: { ...settled.data, seed: 'a'.repeat(64) } }] })).toContain('Every seed is the one that was shown first (seed.revealed)')
  expect(wrongServed({ events: [opened, { ...shown, data: { ...shown.data, round: 5, since: 4 } }] })).toEqual(['The seed decides the same rounds wherever it is named (seed.revealed)'])
})

test('a round whose seed is still secret, or was lost, is not called wrong', () => {
  const fail = (round: object): NoProof => {
    try {
      read(round)
    } catch (err) {
      if (err instanceof NoProof) return err
    }
    throw new Error('it was read')
  }
  const { revealed_by: _, ...open } = served({ proof: 'pending' })
  expect(fail(open)).toMatchObject({ proof: 'pending', round: 5, message: expect.stringContaining('still decides rounds to come') as string })
  expect(fail({ ...open, events: [opened] })).toMatchObject({ proof: 'pending', message: expect.stringContaining('not decided') as string })
  expect(fail({ ...open, proof: 'lost' })).toMatchObject({ proof: 'lost', message: expect.stringContaining('was lost') as string })
})

test("a game's verifier adds its steps, and without one there is no outcome", () => {
  const step = { what: 'The score follows', shown: '1', computed: '2', ok: false }
  const verifier = { verify: () => ({ outcome: { what: 'score', value: '2', claimed: true }, steps: [step], work: undefined }) } as unknown as Verifier
  const round = read({ round: 1, events: [committed, revealed] })
  expect(judge(round, verifier)).toMatchObject({ ok: false, finding: { outcome: { value: '2' } } })
  expect(judge(round, undefined)).toMatchObject({ ok: true, finding: undefined })
})
