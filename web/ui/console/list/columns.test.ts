import { expect, test } from 'vitest'
import { type Filter, queryOf, sortAfter } from './columns'

const filters: Filter[] = [{ field: 'player', title: '', kind: 'prefix' }, { field: 'balance', title: '', kind: 'money' }]
const columns = [{ id: 'player', sorts: true }, { id: 'online' }]

test('the API is asked for what it has: unknown filters and orders of an address are left out', () => {
  expect(queryOf(filters, { 'player.prefix': 'a b', 'balance.lt': '5', 'kind': 'x', 'balance.in': '1' }, '-player', columns)).toBe('player.prefix=a+b&balance.lt=5&sort=-player')
  expect([queryOf(filters, {}, 'online', columns), queryOf(filters, {}, '', columns)]).toEqual(['', ''])
})

test('a column sorts upwards, downwards, and not', () => {
  expect(['', 'a', '-a', 'b'].map((sort) => sortAfter(sort, 'a'))).toEqual(['a', '-a', '', 'a'])
})
