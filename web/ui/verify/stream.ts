// Written from "Fairness" in docs/games, not from the server's code: what games whose outcome is
// drawn from words of HMAC-SHA256 have in common.
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'

/**
 * Returns the words that follow from a seed, of 64 hexadecimal digits, and a label, without end: the big-endian
 * 32-bit words of HMAC-SHA256(key = seed bytes, message = `<label>:<block>`) for block 0, 1, …
 */
export function* words(seed: string, label: string): Generator<number, never> {
  for (let block = 0; ; block++) {
    const mac = hmac(sha256, hexToBytes(seed), utf8ToBytes(`${label}:${block}`))
    const view = new DataView(mac.buffer, mac.byteOffset, mac.byteLength)
    for (let at = 0; at < mac.length; at += 4) yield view.getUint32(at, false)
  }
}

/** Returns the number from which on words are skipped when one of n values is drawn: the largest multiple of n that fits. */
const limitOf = (n: number): number => 2 ** 32 - (2 ** 32 % n)

/** What was drawn, and of what. */
export interface Drawn {
  /** The words that were looked at. All but the last were skipped. */
  words: number[]
  value: number
}

/** Draws a value from 0 to n-1: the first word that is not skipped, modulo n. The words after it are left for the next. */
export function below(n: number, from: Iterator<number, never>): Drawn {
  const looked: number[] = []
  for (;;) {
    const word = from.next().value
    looked.push(word)
    if (word < limitOf(n)) return { words: looked, value: word % n }
  }
}
