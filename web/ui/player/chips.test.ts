import { expect, test } from 'vitest'
import { chipsFor, stack } from './chips'

test('a table has at most six chips, all within its limits and all reachable from the least bet', () => {
  expect(chipsFor(100, 100_000)).toEqual([100, 500, 1000, 2500, 10_000, 50_000])
  expect(chipsFor(1000, 500_000)).toEqual([1000, 10_000, 50_000, 100_000, 500_000])
  expect(chipsFor(100, 100)).toEqual([100])
  expect(chipsFor(7, 30)).toEqual([7])
  expect(chipsFor(1, 10)).toEqual([1, 2, 5, 10])
})

test('where stakes must be multiples of a step, so are the chips, if the limits allow one', () => {
  expect(chipsFor(100, 100_000, 20)).toEqual([100, 500, 1000, 2500, 10_000, 50_000])
  expect(chipsFor(50, 3000, 20)).toEqual([60, 100, 500, 1000, 2500])
  expect(chipsFor(1, 50, 20)).toEqual([20])
  expect(chipsFor(1, 10, 20)).toEqual([1])
  expect(chipsFor(100, 10_000, 1)).toEqual([100, 500, 1000, 2500, 10_000])
})

test('a stack has its largest chip below, and is not higher than four', () => {
  const chips = [100, 500, 1000, 2500]
  expect(stack(100, chips)).toEqual([0])
  expect(stack(3600, chips)).toEqual([3, 2, 0])
  expect(stack(25_000, chips)).toEqual([3, 3, 3, 3])
  expect(stack(50, chips)).toEqual([0])
})
