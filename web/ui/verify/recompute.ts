// Written from "Fairness" in docs/protocol.md, not from the server's code.
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { type Contradiction, type Stored, wrongSums } from './sums'

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

/** What is claimed of a round. A round as the API gives it makes some claims twice. */
export interface Proof {
  room?: string
  round: number
  commitment: string
  seed: string
  pocket?: number
  /** What else is said of the round, and does not agree with the rest. */
  contradictions: Contradiction[]
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
  pocket: number // as computed
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
  for (const c of p.contradictions) steps.push({ what: c.what, shown: c.shown, computed: c.expected, ok: false })
  return { ok: steps.every((s) => s.ok), steps, words: drawn.words, pocket: drawn.pocket }
}

const hex = /^[0-9a-f]{64}$/i

/** Reads a round as GET /v1/rooms/{room}/rounds/{round} gives it, or a plain {seed, commitment, round, pocket}. */
export function readRound(text: string): Proof {
  const raw = JSON.parse(text) as { room?: string; round?: number; events?: Stored[]; seed?: string; commitment?: string; pocket?: number } | null
  if (typeof raw !== 'object' || raw === null) throw new Error('That is not a round.')
  const events = Array.isArray(raw.events) ? raw.events : []
  const opened = events.find((e) => e.type === 'round.opened')
  const spun = events.find((e) => e.type === 'wheel.spun')
  const settled = events.find((e) => e.type === 'round.settled')
  const voided = events.find((e) => e.type === 'round.voided')
  const round = raw.round
  const commitment = opened?.data.commitment ?? raw.commitment
  const seed = spun?.data.seed ?? voided?.data.seed ?? raw.seed // of a voided round: what would have been drawn
  const pocket = spun?.data.pocket ?? raw.pocket
  if (typeof round !== 'number' || !Number.isSafeInteger(round) || round < 1) throw new Error('There is no round number.')
  if (typeof commitment !== 'string' || !hex.test(commitment)) throw new Error('There is no commitment of 64 hexadecimal digits.')
  if (seed === undefined) throw new Error('The seed is not public yet: the wheel has not spun.')
  if (typeof seed !== 'string' || !hex.test(seed)) throw new Error('The seed is not 64 hexadecimal digits.')

  const contradictions: Proof['contradictions'] = []
  const same = (what: string, shown: unknown, expected: unknown): void => {
    if (shown !== undefined && shown !== expected) contradictions.push({ what, shown: String(shown), expected: String(expected) })
  }
  same('The commitment shown with the spin is the one shown before', spun?.data.commitment, commitment)
  same('The number that was paid is the number that was spun', settled?.data.pocket, pocket)
  for (const e of events) same(`Every event is of this round (${e.type})`, e.data?.round, round)
  const order = ['round.opened', 'bet.placed', 'wheel.spun'].map((type) => events.findIndex((e) => e.type === type)).filter((i) => i >= 0)
  if (order.some((at, i) => i > 0 && at < order[i - 1]!)) {
    contradictions.push({ what: 'The commitment came before the bets, and the spin after them', shown: events.map((e) => e.type).join(', '), expected: 'opened, bets, spun' })
  }
  contradictions.push(...wrongSums(events, pocket))
  return { ...(raw.room ? { room: raw.room } : {}), round, commitment, seed: seed.toLowerCase(), ...(pocket !== undefined ? { pocket } : {}), contradictions }
}
