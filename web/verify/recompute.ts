// Written from "Fairness" in docs/protocol.md, not from the server's code.
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'

const pockets = 37
const limit = 2 ** 32 - (2 ** 32 % pockets) // 4294967289

/** The commitment to a seed: the SHA-256 of its 32 bytes. */
export function commitmentOf(seed: string): string {
  return bytesToHex(sha256(hexToBytes(seed)))
}

export interface Draw {
  words: number[] // the words that were looked at; all but the last were rejected
  pocket: number
}

/** The pocket that follows from a seed in a round. */
export function draw(seed: string, round: number): Draw {
  const words: number[] = []
  for (let block = 0; ; block++) {
    const mac = hmac(sha256, hexToBytes(seed), utf8ToBytes(`pitboss.roulette.v1:${round}:${block}`))
    const view = new DataView(mac.buffer, mac.byteOffset, mac.byteLength)
    for (let at = 0; at < mac.length; at += 4) {
      const word = view.getUint32(at, false)
      words.push(word)
      if (word < limit) return { words, pocket: word % pockets }
    }
  }
}

export interface Proof {
  room?: string
  round: number
  commitment: string
  seed: string
  pocket?: number
}

export interface Step {
  what: string
  shown: string
  computed: string
  ok: boolean
}

export interface Verdict {
  ok: boolean
  steps: Step[]
  words: number[]
}

/** Recomputes a round and says, step by step, what matches. */
export function verify(p: Proof): Verdict {
  const commitment = commitmentOf(p.seed)
  const drawn = draw(p.seed, p.round)
  const steps: Step[] = [
    { what: 'The seed is the one that was committed to before the first bet', shown: p.commitment, computed: commitment, ok: commitment === p.commitment.toLowerCase() },
  ]
  if (p.pocket !== undefined) {
    steps.push({ what: 'The number follows from the seed', shown: String(p.pocket), computed: String(drawn.pocket), ok: drawn.pocket === p.pocket })
  }
  return { ok: steps.every((s) => s.ok), steps, words: drawn.words }
}

interface Stored {
  type: string
  at?: string
  seq?: number
  data: { commitment?: string; seed?: string; pocket?: number }
}

/** Reads a round as GET /v1/rooms/{room}/rounds/{round} gives it, or a plain {seed, commitment, round, pocket}. */
export function readRound(text: string): Proof {
  const raw = JSON.parse(text) as { room?: string; round?: number; events?: Stored[]; seed?: string; commitment?: string; pocket?: number }
  const opened = raw.events?.find((e) => e.type === 'round.opened')
  const spun = raw.events?.find((e) => e.type === 'wheel.spun')
  const commitment = opened?.data.commitment ?? raw.commitment
  const seed = spun?.data.seed ?? raw.seed
  const pocket = spun?.data.pocket ?? raw.pocket
  if (typeof raw.round !== 'number' || !Number.isSafeInteger(raw.round) || raw.round < 1) throw new Error('There is no round number.')
  if (typeof commitment !== 'string' || !/^[0-9a-f]{64}$/i.test(commitment)) throw new Error('There is no commitment of 64 hexadecimal digits.')
  if (seed === undefined) throw new Error('The seed is not public yet: the wheel has not spun.')
  if (!/^[0-9a-f]{64}$/i.test(seed)) throw new Error('The seed is not 64 hexadecimal digits.')
  return { ...(raw.room ? { room: raw.room } : {}), round: raw.round, commitment, seed: seed.toLowerCase(), ...(pocket !== undefined ? { pocket } : {}) }
}
