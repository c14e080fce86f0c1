import { expect, test } from 'vitest'
import { readAmount } from './amount'

test('amounts are read as people write them', () => {
  for (const [text, minor] of [
    ['12', 1200], ['12.3', 1230], ['12,34', 1234], ['1,234.50', 123450], ['1.234,50', 123450], ['1 234,5', 123450], ["1'234.50", 123450], ['1,000', 100000], ['1.000.000', 100000000],
    ['-5', -500], ['\u22125', -500], ['+5', 500], ['12 EUR', 1200], ['EUR 12.50', 1250], ['0.01', 1], ['99,999,999.00', 9999999900],
  ] as const) expect([text, readAmount(text, 2)]).toEqual([text, minor])
  expect([readAmount('1,234', 3), readAmount('1,234', 0), readAmount('1.5', 0), readAmount('1,000.125', 3)]).toEqual([1234, 1234, undefined, 1000125])
})

test('what is not clearly an amount is none', () => {
  for (const text of ['', 'ten', '1e3', '1,2,3', '1.23.456', '1,23.45', '1..2', '12,34,567.00', '--5', '1.000,00,00', '1,0000']) expect([text, readAmount(text, 2)]).toEqual([text, undefined])
})
