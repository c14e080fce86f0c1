import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { commitmentOf, judge, readRound } from '../../verify/round'
import { type Stored, wrongSums } from './sums'
import verifier, { draw } from './verifier'

type Totals = Record<string, number>

/** A round of two seats whose bets add up to the totals; what is given replaces what would be right. */
function round(totals: Totals, pocket: number, paid: number, more: Stored['data'] = {}, bets?: Stored[]): Stored[] {
  const staked = Object.values(totals).reduce((a, b) => a + b, 0)
  return [
    { type: 'round.opened', data: {} },
    ...(bets ?? [
      { type: 'bet.placed', data: { seat: 1, sum: staked + 50 } },
      { type: 'bet.removed', data: { seat: 1, sum: 100 } },
      { type: 'bet.placed', data: { seat: 2, sum: 50 } },
    ]),
    { type: 'betting.closed', data: { totals: more.totals ?? Object.entries(totals).map(([position, amount]) => ({ position, amount })) } },
    { type: 'wheel.spun', data: { pocket } },
    { type: 'round.settled', data: { staked, paid, winners: [], ...more } },
  ]
}

const wrong = (events: Stored[]): string[] => {
  const pocket = events.find((e) => e.type === 'wheel.spun')?.data.pocket
  return wrongSums(events, pocket).map((c) => c.what)
}
const paidWrong = 'What was paid follows from the totals and the number'

test('each kind of position pays what the table says', () => {
  const pays: [string, number, number][] = [
    ['straight:17', 17, 36], ['split:17-20', 20, 18], ['trio:0-1-2', 0, 12], ['street:16-17-18', 18, 12], ['corner:16-17-19-20', 16, 9], ['first_four', 3, 9],
    ['line:13-14-15-16-17-18', 13, 6], ['dozen:2', 24, 3], ['column:1', 4, 3], ['red', 1, 2], ['black', 2, 2], ['odd', 1, 2], ['even', 2, 2], ['low', 18, 2], ['high', 19, 2],
  ]
  for (const [position, pocket, times] of pays) {
    expect([position, wrong(round({ [position]: 700 }, pocket, 700 * times))]).toEqual([position, []])
    expect([position, wrong(round({ [position]: 700 }, pocket, 700 * times - 1))]).toEqual([position, [paidWrong]])
    expect([position, wrong(round({ [position]: 700 }, 5, position === 'red' || position === 'odd' || position === 'low' ? 1400 : 0))]).toEqual([position, []])
  }
})

test('on zero the even chances lose, or give half back: within the halves of a unit that two players may have', () => {
  const totals = { red: 201, even: 100, 'straight:0': 10, 'dozen:1': 70 }
  for (const paid of [360, 360 + 101 + 50, 360 + 101 + 51]) expect([paid, wrong(round(totals, 0, paid))]).toEqual([paid, []])
  for (const paid of [359, 361, 360 + 150, 360 + 153, 0]) expect([paid, wrong(round(totals, 0, paid))]).toEqual([paid, [paidWrong]])
  expect(wrong(round({ red: 200 }, 2, 100))).toEqual([paidWrong]) // on zero only
})

test('sums that do not agree are named', () => {
  const totals = { red: 200, 'straight:17': 100 }
  expect(wrong(round(totals, 17, 3600))).toEqual([])
  expect(wrong(round(totals, 17, 3600, { staked: 301 }))).toEqual(['What was staked is the sum of the totals'])
  expect(wrong(round(totals, 17, 3600, { staked: undefined } as unknown as Stored['data']))).toEqual(['What was staked is the sum of the totals'])
  expect(wrong(round(totals, 17, 3600, { winners: [{ payout: 3000 }, { payout: 700 }] }))).toEqual(['The winners that are named got no more than was paid'])
  expect(wrong(round(totals, 17, 3600, {}, [{ type: 'bet.placed', data: { seat: 1, sum: 299 } }]))).toEqual(['The bets, one by one, add up to the totals'])
  expect(wrong(round(totals, 17, 3600, {}, [{ type: 'bet.placed', data: { seat: 1 } }]))).toEqual(['The bets, one by one, add up to the totals'])
})

test('totals on what is no position, or on one twice, are named', () => {
  const right = [{ position: 'red', amount: 300 }]
  for (const odd of [{ position: 'split:1-9', amount: 5 }, { position: 'red', amount: 5 }, { position: 'black', amount: 0.5 }, { position: 'black', amount: -5 }, { position: 'black', amount: 0 }]) {
    expect(wrong(round({ red: 300 }, 1, 600, { totals: [...right, odd] }))).toEqual(['Every total is a whole amount on a position of its own'])
  }
})

test('a round in which nobody bet, one that was not settled yet, and one from before there were totals say nothing wrong', () => {
  expect(wrong(round({}, 17, 0, {}, []))).toEqual([])
  expect(wrong(round({ red: 300 }, 1, 600).slice(0, -1))).toEqual([])
  expect(wrong([{ type: 'bet.placed', data: {} }, { type: 'betting.closed', data: {} }, { type: 'round.settled', data: { staked: 5, paid: 9 } }])).toEqual([])
})

test('the page names them among the contradictions of a round', () => {
  const file = JSON.parse(readFileSync(new URL('../../../../rooms/fair/testdata/vectors.json', import.meta.url), 'utf8')) as { seed: string; round: number }[] | { vectors: { seed: string; round: number }[] }
  const v = (Array.isArray(file) ? file : file.vectors)[0]!
  const { pocket } = draw(v.seed, v.round)
  const steps = (paid: number): string[] => {
    const events = round({ [`straight:${pocket}`]: 100 }, pocket, paid, {}, [{ type: 'bet.placed', data: { seat: 1, sum: 100 } }])
    for (const e of events) Object.assign(e.data, { round: v.round })
    Object.assign(events[0]!.data, { commitment: commitmentOf(v.seed) })
    Object.assign(events.find((e) => e.type === 'wheel.spun')!.data, { seed: v.seed })
    return judge(readRound(JSON.stringify({ room: 'r', round: v.round, events })), verifier).steps.filter((s) => !s.ok).map((s) => s.what)
  }
  expect(steps(3600)).toEqual([])
  expect(steps(3500)).toEqual([paidWrong])
})
