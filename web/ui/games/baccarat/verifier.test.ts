import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { StoredEvent } from '../../shared/games'
import { judge, readRound } from '../../verify/round'
import verifier from './verifier'

interface Vector {
  seed: string
  first: number
  cards: string
  burned: number
  hands: string[]
}

/** A shoe that a program of its own has dealt, whose cut card comes out in the middle of the last hand but one. */
const v = (JSON.parse(readFileSync(new URL('../../../../rooms/baccarat/testdata/shoes.json', import.meta.url), 'utf8')) as Vector[]).find((s) => s.first === 403566)!
const commitment = createHash('sha256').update(Buffer.from(v.seed, 'hex')).digest('hex')
const burned = { card: v.cards.slice(0, 2), count: v.burned }
const values: Record<string, number> = { T: 0, J: 0, Q: 0, K: 0, A: 1 }
const points = (cards: string[]): number => cards.reduce((n, c) => n + (values[c[0]!] ?? Number(c[0])), 0) % 10

function winnerOf(index: number): string {
  const [player, banker] = v.hands[index]!.split(' - ').map((h) => points(h.split(' '))) as [number, number]
  return player > banker ? 'player' : player < banker ? 'banker' : 'tie'
}

/** What the API says of a hand of the shoe, counted from 0, in which two players bet. */
function played(index: number, more: { totals?: Record<string, number>; paid?: number } = {}) {
  const [player, banker] = v.hands[index]!.split(' - ').map((h) => h.split(' ')) as [string[], string[]]
  const winner = winnerOf(index)
  const round = v.first + index
  const totals = Object.entries(more.totals ?? {}).map(([position, amount]) => ({ position, amount }))
  const staked = totals.reduce((n, t) => n + t.amount, 0)
  const event = (type: string, data: object): StoredEvent => ({ type, data: { round, ...data } })
  const turns = [['player', 0], ['banker', 0], ['player', 1], ['banker', 1], ['player', 2], ['banker', 2]] as const
  const hands = { player, banker }
  const events = [
    event('round.opened', { commitment, ...(index > 0 ? { since: v.first } : {}) }),
    ...(staked > 0 ? [event('bet.placed', { seat: 1, sum: staked - 1 }), event('bet.placed', { seat: 2, sum: 1 })] : []),
    event('betting.closed', { deals_at: '', totals }),
    ...(index === 0 ? [event('card.burned', { ...burned, deals_at: '' })] : []),
    ...turns.filter(([to, i]) => hands[to].length > i).map(([to, i]) => event('card.dealt', { to, card: hands[to][i], points: points(hands[to].slice(0, i + 1)), deals_at: '' })),
    event('round.settled', {
      player, banker, player_points: points(player), banker_points: points(banker), winner,
      player_pair: player[0]![0] === player[1]![0], banker_pair: banker[0]![0] === banker[1]![0], staked, paid: more.paid ?? 0, winners: [],
    }),
  ]
  const data = { round: v.first + v.hands.length - 1, since: v.first, commitment, seed: v.seed }
  return { room: 'b', game: 'baccarat', round, events, proof: 'ready', revealed_by: { type: 'seed.revealed', data } }
}

type Played = ReturnType<typeof played>

const verdict = (round: Played) => judge(readRound(JSON.stringify(round)), verifier)
const wrong = (round: Played): string[] => verdict(round).steps.filter((s) => !s.ok).map((s) => s.what)

/** Returns a round that somebody has tampered with. */
function tampered(round: Played, type: string, more: object, nth = 0): Played {
  const out = structuredClone(round)
  Object.assign(out.events.filter((e) => e.type === type)[nth]!.data, more)
  return out
}

test('every hand of a shoe is found in it', () => {
  // All but the cut card is as it should be: where it came out, other code does not say.
  const cuts = v.hands.map((_, i) => wrong(played(i)))
  const without = cuts.filter((w) => w.length > 0)
  expect(without.length).toBe(1)
  expect(without[0]).toEqual([expect.stringMatching(/^Card \d is the one that follows from the seed, with its points$/)])
  expect(cuts.indexOf(without[0]!)).toBe(v.hands.length - 2)
  expect(verdict(played(3)).finding?.outcome).toEqual({ what: 'result', value: expect.stringMatching(/^((Player|Banker) wins, \d to \d|Tie at \d)$/) as string, claimed: true })
})

test('a card, its points, the side that got it, or a cut card that was not, is noticed', () => {
  const round = played(2)
  const third = 'Card 3 is the one that follows from the seed, with its points'
  const { card, points } = round.events.filter((e) => e.type === 'card.dealt')[2]!.data as { card: string; points: number }
  expect(wrong(tampered(round, 'card.dealt', { card: card === '2c' ? '3c' : '2c' }, 2))).toEqual(['The cards follow from the seed', third])
  expect(wrong(tampered(round, 'card.dealt', { points: (points + 1) % 10 }, 2))).toEqual([third])
  expect(wrong(tampered(round, 'card.dealt', { to: 'banker' }, 2))).toEqual(['The cards follow from the seed', third])
  expect(wrong(tampered(round, 'card.dealt', { cut: true }, 2))).toEqual([third])
  const fewer = structuredClone(round)
  fewer.events.splice(fewer.events.findIndex((e) => e.type === 'card.dealt'), 1)
  expect(wrong(fewer)).toContain('The cards follow from the seed')
  const more = structuredClone(round)
  more.events.splice(-1, 0, { type: 'card.dealt', data: { round: round.round, to: 'banker', card: '2c', points: 1 } })
  expect(wrong(more)).toContain('The cards follow from the seed')
})

test('a card that was turned over in another hand, or another one than that of the seed, is noticed', () => {
  const what = 'The first card of the shoe, and the cards put away after it'
  expect(wrong(tampered(played(0), 'card.burned', { count: 11 }))).toEqual([what])
  expect(wrong(tampered(played(0), 'card.burned', { card: burned.card === '2c' ? '3c' : '2c' }))).toEqual([what])
  const none = played(0)
  none.events = none.events.filter((e) => e.type !== 'card.burned')
  expect(wrong(none)).toEqual([what])
  const second = played(1)
  second.events.splice(2, 0, { type: 'card.burned', data: { round: second.round, ...burned } })
  expect(wrong(second)).toEqual([what])
})

test('a result that is not that of the cards is noticed', () => {
  const says = (member: string): string => `The result that was paid is the one of the cards (${member})`
  const round = played(4)
  const { winner, player_points, player_pair, banker } = round.events.at(-1)!.data as { winner: string; player_points: number; player_pair: boolean; banker: string[] }
  expect(wrong(tampered(round, 'round.settled', { winner: winner === 'tie' ? 'banker' : 'tie' }))).toEqual([says('winner')])
  expect(wrong(tampered(round, 'round.settled', { player_points: player_points + 1 }))).toEqual([says('player_points')])
  expect(wrong(tampered(round, 'round.settled', { player_pair: !player_pair }))).toEqual([says('player_pair')])
  expect(wrong(tampered(round, 'round.settled', { banker: [...banker].reverse() }))).toEqual(banker[0] === banker.at(-1) ? [] : [says('banker')])
})

test('a hand that is moved in its shoe, or beyond its end, and another seed are noticed', () => {
  const moved = structuredClone(played(5))
  for (const e of moved.events) e.data = { ...e.data, round: v.first + 6 }
  moved.round = v.first + 6
  expect(wrong(moved)).toContain('The cards follow from the seed')
  const beyond = structuredClone(played(5))
  const late = v.first + v.hands.length
  for (const e of beyond.events) e.data = { ...e.data, round: late }
  beyond.round = late
  beyond.revealed_by.data.round = late
  expect(wrong(beyond)).toEqual(['The hand is one of its shoe'])
  const other = played(5)
  other.revealed_by.data.seed = 'a'.repeat(64)
  expect(wrong(other)).toContain('The seed is the one that was committed to before the first bet')
})

test('cards before the bets are noticed', () => {
  const round = played(3, { totals: { tie: 100 }, paid: winnerOf(3) === 'tie' ? 900 : 0 })
  expect(wrong(round)).toEqual([])
  const what = 'The commitment came before the bets, and the cards after them'
  const late = structuredClone(round)
  late.events.splice(-1, 0, ...late.events.splice(1, 1))
  expect(wrong(late)).toEqual([what])
  const uncommitted = structuredClone(round)
  const { commitment, ...data } = uncommitted.events[0]!.data
  uncommitted.events[0]!.data = data
  uncommitted.events.at(-1)!.data = { ...uncommitted.events.at(-1)!.data, commitment }
  expect(wrong(uncommitted)).toContain(what)
})

test('a hand that was paid without saying what lay on the table, or paid twice, is noticed', () => {
  const paid = played(3, { totals: { tie: 100 }, paid: 5000 })
  expect(wrong(paid)).toEqual(['What was paid follows from the totals and the cards'])
  const silent = structuredClone(paid)
  silent.events = silent.events.filter((e) => e.type !== 'betting.closed')
  expect(wrong(silent)).not.toEqual([])
  const twice = played(3)
  twice.events.push(structuredClone(twice.events.at(-1)!))
  Object.assign(twice.events.at(-1)!.data, { paid: 5000, winner: 'none' })
  expect(wrong(twice)).not.toEqual([])
})

test('a hand that was voided in the middle is compared as far as it came, and one without cards claims nothing', () => {
  const round = played(3)
  const voided = { type: 'round.voided', data: { round: round.round, reason: 'x', seed: v.seed } }
  const until = (n: number): Played => ({ ...round, events: [...round.events.slice(0, n), voided] })
  for (const n of [1, 2, 3, 5]) expect([n, wrong(until(n))]).toEqual([n, []])
  expect(verdict(until(1)).finding?.outcome.claimed).toBe(false)
  expect(wrong(tampered(until(5), 'card.dealt', { points: 17 }, 1))).toEqual(['Card 2 is the one that follows from the seed, with its points'])
})

test('a hand that was pasted without its events gets the winner that follows from its seed', () => {
  const pasted = { game: 'baccarat', round: v.first, seed: v.seed, commitment, winner: winnerOf(0) }
  const of = (more: object) => judge(readRound(JSON.stringify({ ...pasted, ...more })), verifier)
  expect(of({})).toMatchObject({ ok: true, finding: { outcome: { claimed: true } } })
  expect(of({ winner: pasted.winner === 'tie' ? 'banker' : 'tie' }).ok).toBe(false)
  expect(of({ winner: undefined })).toMatchObject({ ok: true, finding: { outcome: { claimed: false } } })
})
