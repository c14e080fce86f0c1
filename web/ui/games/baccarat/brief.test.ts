import { expect, test } from 'vitest'
import { fromCode } from './brief'

test('a brief spells hands in letters', () => {
  expect(['P', 'Bp', 'Tb', 'Ppb'].map(fromCode)).toEqual([
    { winner: 'player', player_pair: false, banker_pair: false },
    { winner: 'banker', player_pair: true, banker_pair: false },
    { winner: 'tie', player_pair: false, banker_pair: true },
    { winner: 'player', player_pair: true, banker_pair: true },
  ])
})
