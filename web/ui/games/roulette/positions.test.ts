import { expect, test } from 'vitest'
import { neighbour, spotOf, spots, wheelOrder } from './positions'
import type { Position } from './types'

test('there are 157 positions, as many of each kind as on a felt', () => {
  const kinds: Record<string, number> = {}
  for (const s of spots) kinds[s.id.split(':')[0]!] = (kinds[s.id.split(':')[0]!] ?? 0) + 1
  expect(kinds).toEqual({
    straight: 37, split: 60, trio: 2, street: 12, corner: 22, first_four: 1, line: 11, dozen: 3, column: 3,
    red: 1, black: 1, odd: 1, even: 1, low: 1, high: 1,
  })
  expect(new Set(spots.map((s) => s.id)).size).toBe(157)
})

test('the wheel has every number once', () => {
  expect([...wheelOrder].sort((a, b) => a - b)).toEqual(Array.from({ length: 37 }, (_, i) => i))
})

test('arrow keys reach every position from zero', () => {
  const start = spots.find((s) => s.id === 'straight:0')!
  const seen = new Set([start])
  for (const s of seen) for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]] as const) seen.add(neighbour(s, dx, dy))
  expect(spots.filter((s) => !seen.has(s)).map((s) => s.id)).toEqual([])
})

test('a position that there is not is no Position to the compiler', () => {
  const all: Position[] = ['straight:0', 'split:17-20', 'trio:0-1-2', 'street:1-2-3', 'corner:16-17-19-20', 'first_four', 'line:1-2-3-4-5-6', 'dozen:1', 'column:3', 'red', 'high']
  // @ts-expect-error a mistyped name
  all.push('straigth:17')
  // @ts-expect-error there are three dozens
  all.push('dozen:4')
  expect(all.slice(0, -2).every((id) => spotOf(id) !== undefined)).toBe(true)
})
