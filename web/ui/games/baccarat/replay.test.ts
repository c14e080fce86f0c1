import { afterEach, expect, test, vi } from 'vitest'
import { fetchPlayed, readPlayed } from './replay'

const dealt = (to: string, card: string) => ({ type: 'card.dealt', data: { round: 7, to, card, points: 1, deals_at: '' } })
const settled = { type: 'round.settled', data: { round: 7, player: ['8h', '8d'], banker: ['Kd', 'As'], player_points: 6, banker_points: 1, winner: 'player', player_pair: true, banker_pair: false, staked: 700, paid: 900 } }
const burned = { type: 'card.burned', data: { round: 7, card: '7c', count: 7, deals_at: '' } }
const opened = { type: 'round.opened', data: { round: 7, commitment: 'c' } }

afterEach(() => vi.unstubAllGlobals())

test('a hand is read with its cards in order, its result, its sums and its proof', () => {
  expect(readPlayed({ round: 7, proof: 'ready', events: [opened, burned, dealt('player', '8h'), dealt('banker', 'Kd'), settled] })).toEqual({
    round: 7, burned: { card: '7c', count: 7 }, cards: [{ to: 'player', card: '8h' }, { to: 'banker', card: 'Kd' }],
    result: { round: 7, winner: 'player', player: 6, banker: 1, player_pair: true }, staked: 700, paid: 900, proof: 'ready',
  })
})

test('one that was voided, or is not over, has no result', () => {
  const voided = { type: 'round.voided', data: { round: 7, reason: 'x' } }
  expect(readPlayed({ round: 7, proof: 'lost', events: [opened, dealt('player', '8h'), voided] })).toEqual({ round: 7, cards: [{ to: 'player', card: '8h' }], staked: 0, paid: 0, voided: 'x', proof: 'lost' })
  expect(readPlayed({ round: 7, events: [opened] })).toEqual({ round: 7, cards: [], staked: 0, paid: 0, proof: 'pending' })
})

test('what the casino does not give is said', async () => {
  const answer = (status: number, body: string) => vi.stubGlobal('fetch', vi.fn(() => Promise.resolve(new Response(body, { status }))))
  answer(404, '{"error": {"code": "not_found", "message": "There is no such round."}}')
  await expect(fetchPlayed('r 1', 7)).rejects.toThrow('There is no such round.')
  expect(vi.mocked(fetch).mock.calls).toEqual([['v1/rooms/r%201/rounds/7']])
  answer(502, 'Bad gateway')
  await expect(fetchPlayed('r', 7)).rejects.toThrow('does not answer')
  vi.stubGlobal('fetch', () => Promise.reject(new Error('down')))
  await expect(fetchPlayed('r', 7)).rejects.toThrow('does not answer')
})
