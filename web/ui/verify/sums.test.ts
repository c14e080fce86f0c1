import { expect, test } from 'vitest'
import { type Sums, wrongSums, wrongUnless } from './sums'

/** A game of two positions of which the first pays double. */
const game = (totals: Sums['totals']): Sums => ({
  totals,
  has: (position) => position === 'sun' || position === 'moon',
  wrongPaid: (paid, known) => {
    const won = 2 * (known.find((t) => t.position === 'sun')?.amount ?? 0)
    return wrongUnless(paid === won, 'What was paid follows', paid, won)
  },
})
const bets = [{ type: 'bet.placed', data: { seat: 1, sum: 500 } }, { type: 'bet.placed', data: { seat: 2, sum: 100 } }, { type: 'bet.removed', data: { seat: 1, sum: 200 } }]
const totals = [{ position: 'sun', amount: 300 }, { position: 'moon', amount: 100 }]
const settled = (more: object = {}) => ({ type: 'round.settled', data: { staked: 400, paid: 600, winners: [{ payout: 600 }], ...more } })
const wrong = (events: Parameters<typeof wrongSums>[0], sums: Sums['totals'] = totals): string[] => wrongSums(events, game(sums)).map((s) => s.what)

test('a round that adds up has nothing wrong, settled or not', () => {
  expect(wrong([...bets, settled()])).toEqual([])
  expect(wrong(bets)).toEqual([])
  expect(wrong([], [])).toEqual([])
  expect(wrongSums([settled({ staked: 1 })], game(undefined))).toEqual([]) // no event says the totals
})

test('what does not add up is named', () => {
  expect(wrong([...bets.slice(1), settled()])).toEqual(['The bets, one by one, add up to the totals'])
  expect(wrong([...bets, settled({ staked: 401 })])).toEqual(['What was staked is the sum of the totals'])
  expect(wrong([...bets, settled({ paid: 601 })])).toEqual(['What was paid follows'])
  expect(wrong([...bets, settled({ winners: [{ payout: 500 }, { payout: 101 }] })])).toEqual(['The winners that are named got no more than was paid'])
  expect(wrong([...bets, settled({ paid: undefined })])).toEqual(['What was paid follows', 'The winners that are named got no more than was paid'])
  expect(wrongSums([...bets, settled({ paid: undefined })], game(totals)).map((s) => [s.shown, s.computed])).toEqual([['–', '600'], ['600', '–']])
})

test('a total on no position, on one twice, or of no whole amount is named and not counted', () => {
  for (const odd of [{ position: 'star', amount: 5 }, { position: 'sun', amount: 5 }]) {
    expect(wrong([...bets, settled()], [...totals, odd])).toEqual(['Every total is a whole amount on a position of its own'])
  }
  for (const amount of [0, -5, 0.5]) {
    expect(wrong([{ type: 'bet.placed', data: { sum: 300 } }, settled({ staked: 300 })], [totals[0]!, { position: 'moon', amount }])).toEqual(['Every total is a whole amount on a position of its own'])
  }
})
