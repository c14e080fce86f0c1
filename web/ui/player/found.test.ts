import { expect, test } from 'vitest'
import type { RoomInfo } from '../client/src/index.js'
import { found, type Wanted } from './found'

const room = (room: string, name: string, settings: object = { min_bet: 100, max_bet: 10_000 }, game = 'senet'): RoomInfo => ({ room, name, game, settings, status: 'open', players: 0 }) as RoomInfo
const rooms = [room('table-4', 'Évora'), room('table-10', 'High stakes', { min_bet: 5000, max_bet: 500_000 }), room('m-1', 'Mehen', {}, 'mehen')]
const names = (wanted: Partial<Wanted>): string[] => found(rooms, { text: '', game: '', stake: undefined, ...wanted }).map((r) => r.room)

test('a table is found by the beginnings of words, whatever their case and accents', () => {
  for (const text of ['', '  ']) expect(names({ text })).toEqual(['table-4', 'table-10', 'm-1'])
  for (const text of ['evora', 'ÉV', 'table-4', 'senet evora', '4 table']) expect(names({ text })).toEqual(['table-4'])
  expect(names({ text: 'table' })).toEqual(['table-4', 'table-10'])
  for (const text of ['vora', 'evora high', '.*', '[']) expect(names({ text })).toEqual([])
})

test('a table is found by what its game is called on the page', () => {
  const titleOf = (game: string): string => (game === 'mehen' ? 'Méhen, la serpiente' : 'السينيت')
  const named = (text: string): string[] => found(rooms, { text, game: '', stake: undefined }, titleOf).map((r) => r.room)
  expect([named('serp'), named('السي'), named('mehen')]).toEqual([['m-1'], ['table-4', 'table-10'], ['m-1']])
})

test('a table is found by its game and by what may be staked; one that does not say takes any stake', () => {
  expect(names({ game: 'mehen' })).toEqual(['m-1'])
  expect(names({ stake: 100 })).toEqual(['table-4', 'm-1'])
  expect(names({ stake: 10_000 })).toEqual(['table-4', 'table-10', 'm-1'])
  expect(names({ stake: 600_000 })).toEqual(['m-1'])
})

test('among favourites only those are found that are still there', () => {
  expect(names({ only: ['m-1', 'gone'] })).toEqual(['m-1'])
  expect(names({ only: [] })).toEqual([])
})
