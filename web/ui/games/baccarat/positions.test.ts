import { expect, test } from 'vitest'
import { positionsOf, won } from './positions'
import type { Position, Settings } from './types'

const settings: Settings = { min_bet: 100, max_bet: 1000, round_min: 100, round_max: 5000, betting_ms: 1, close_ms: 0, deal_ms: 0, pause_ms: 0, no_commission: false, banker_step: 20 }
const say = (more: Partial<Settings>): string[] => positionsOf({ ...settings, ...more }, (minor) => `${minor}¢`).map((p) => [p.id, p.pays, ...p.notes].join(', '))

test('a position says what it pays, in what steps it is bet on, and its maximum if that is lower', () => {
  expect(say({})).toEqual(['player_pair, 11:1', 'tie, 8:1', 'banker_pair, 11:1', 'player, 1:1', 'banker, 0.95:1, 5 % commission, in steps of 20¢'])
  expect(say({ no_commission: true, banker_step: 2 }).at(-1)).toBe('banker, 1:1, six pays 1:2, in steps of 2¢')
  expect(say({ banker_step: 1, max_by_kind: { banker: 900, player: 1000 } }).slice(3)).toEqual(['player, 1:1', 'banker, 0.95:1, 5 % commission, up to 900¢'])
})

test('no two positions have one key, and none a key that is taken', () => {
  const keys = positionsOf(settings, String).map((p) => p.key)
  expect(new Set(keys).size).toBe(5)
  for (const key of keys) expect(key).not.toMatch(/^[1-9ucrs]$/)
})

test('winner and pairs win', () => {
  const all: Position[] = ['player', 'banker', 'tie', 'player_pair', 'banker_pair']
  const result = { round: 1, winner: 'tie', player: 6, banker: 6 } as const
  expect(all.filter((p) => won(p, result))).toEqual(['tie'])
  expect(all.filter((p) => won(p, { ...result, player_pair: true, banker_pair: true }))).toEqual(['tie', 'player_pair', 'banker_pair'])
})
