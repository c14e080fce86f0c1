import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { below, words } from './stream'

const seed = '0f'.repeat(32)

/** Returns an iterator of these words. */
function* of(...list: number[]): Generator<number, never> {
  yield* list
  throw new Error('no word is left')
}

test('the words are those of HMAC-SHA256 by block, big-endian', () => {
  const stream = words(seed, 'label:7')
  const expected = [0, 1, 2].flatMap((block) => {
    const mac = createHmac('sha256', Buffer.from(seed, 'hex')).update(`label:7:${block}`).digest()
    return Array.from({ length: 8 }, (_, i) => mac.readUInt32BE(4 * i))
  })
  expect(expected.map(() => stream.next().value)).toEqual(expected)
})

test('a word from the largest multiple on is skipped, so that all values are equally likely', () => {
  expect(below(37, of(4294967288))).toEqual({ words: [4294967288], value: 36 })
  expect(below(37, of(4294967289, 2 ** 32 - 1, 38))).toEqual({ words: [4294967289, 2 ** 32 - 1, 38], value: 1 })
  expect(below(2, of(2 ** 32 - 1)).value).toBe(1) // a power of two skips none
  expect(below(1, of(5)).value).toBe(0)
})

test('several values are drawn one after the other from the same words', () => {
  const stream = of(10, 4294967290, 20, 7)
  expect([below(37, stream).value, below(37, stream).value, below(5, stream).value]).toEqual([10, 20, 2])
})
