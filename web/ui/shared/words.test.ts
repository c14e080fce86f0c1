import { expect, test } from 'vitest'
import { PitbossError } from '../client/src/index.js'
import { inWords } from './words'

const names = { money: (minor: number): string => `${minor}¢`, position: (id: string): string => `<${id}>` }

test('a limit is said in money and in the table’s own words', () => {
  const of = (limit: string, value: number, more: object = {}): string => inWords(new PitbossError('limit_reached', 'At most 5 can lie on x:8.', { limit, value, ...more }), names)
  expect(of('max_bet', 500, { position: 'x:8' })).toBe('At most 500¢ can lie on <x:8>.')
  expect(of('max_bet', 500, { position: 'x:8', has: 450 })).toBe('At most 500¢ can lie on <x:8>: you have 450¢ there.')
  expect(of('round_max', 900, { has: 800 })).toBe('You can stake at most 900¢ in a round: you have staked 800¢.')
  expect(of('players', 500)).toBe('This table is full: 500 players have bet in this round. Try another table.')
  for (const limit of ['min_bet', 'round_max', 'round_min', 'step', 'bets', 'positions']) expect(of(limit, 7, { position: 'x:8' })).toMatch(/7/)
  expect(of('storage_bytes', 7)).toBe('The casino takes no new bets now. Those that were accepted stand.')
  expect(of('of a later version', 7)).toBe('At most 5 can lie on x:8.')
})

test('an error has our words if there are some, else the server’s', () => {
  expect(inWords(new PitbossError('rate_limited', 'x'))).toBe('That was too fast. Wait a moment and try again.')
  expect(inWords({ code: 'token_alg', message: 'the token’s algorithm is not the one of its key' })).toBe('This link is not valid. Open the game again from the casino.')
  expect(inWords({ code: 'of a later version', message: 'Its sentence.' })).toBe('Its sentence.')
})
