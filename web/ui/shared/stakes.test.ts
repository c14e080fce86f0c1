import { expect, test } from 'vitest'
import { add, listed, Others } from './stakes'

const on = (position: string, amount: number) => ({ position, amount })

test('stakes are added up by position, and a position with nothing on it is none', () => {
  const before = { a: 100 }
  expect(add(before, [on('a', 50), on('b', 20)])).toEqual({ a: 150, b: 20 })
  expect(add(before, [on('a', 100)], -1)).toEqual({})
  expect(add(before, [on('a', 500), on('b', 1)], -1)).toEqual({})
  expect(before).toEqual({ a: 100 })
  expect(listed({ a: 150, b: 20 })).toEqual([on('a', 150), on('b', 20)])
})

test("others' stakes are the sums without one's own as of the same event", () => {
  const others = new Others()
  others.reset(10, [on('a', 300)], [on('a', 100)])
  expect(others.stakes).toEqual({ a: 200 })
  others.own(11, [on('b', 50)])
  expect(others.stakes).toEqual({ a: 200 }) // the sums are older than this bet
  others.told(11, [on('a', 300), on('b', 70)])
  expect(others.stakes).toEqual({ a: 200, b: 20 })
  others.own(13, [on('b', 50)], -1)
  others.told(12, [on('a', 400), on('b', 70)])
  expect(others.stakes).toEqual({ a: 300, b: 20 })
  others.told(13, [on('a', 400), on('b', 20)])
  expect(others.stakes).toEqual({ a: 300, b: 20 })
})

test('sums that are older than what is known are dropped, also after all is known anew', () => {
  const others = new Others()
  others.reset(10, [on('a', 300)])
  others.told(9, [on('a', 900)])
  expect(others.stakes).toEqual({ a: 300 })
  others.reset(20)
  others.told(19, [on('a', 300)])
  expect(others.stakes).toEqual({})
})
