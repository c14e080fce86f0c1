// Written from "Fairness" in docs/games, not from the server's code.
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import type { Finding, Round, Step, StoredEvent, Verifier } from '../shared/games'

const hex = /^[0-9a-f]{64}$/i

/** Returns the commitment to a seed: the SHA-256 of its 32 bytes. */
export function commitmentOf(seed: string): string {
  return bytesToHex(sha256(hexToBytes(seed)))
}

/** Reads a round as GET /v1/rooms/{room}/rounds/{round} gives it, or a plain {game, seed, commitment, round, …}. */
export function readRound(text: string): Round & { game?: string } {
  const raw = JSON.parse(text) as { room?: unknown; game?: unknown; round?: unknown; events?: unknown } | null
  if (typeof raw !== 'object' || raw === null) throw new Error('That is not a round.')
  const { room, game, round, events: list, ...claims } = raw
  if (typeof round !== 'number' || !Number.isSafeInteger(round) || round < 1) throw new Error('There is no round number.')
  const events = (Array.isArray(list) ? (list as Partial<StoredEvent>[]) : []).map((e) => ({ type: String(e?.type), data: e?.data ?? {} }))
  const first = (member: string): unknown => events.find((e) => e.data[member] !== undefined)?.data[member] ?? (claims as Record<string, unknown>)[member]
  const commitment = first('commitment')
  const seed = first('seed')
  if (typeof commitment !== 'string' || !hex.test(commitment)) throw new Error('There is no commitment of 64 hexadecimal digits.')
  if (seed === undefined) throw new Error('The seed is not public yet: the round is not decided.')
  if (typeof seed !== 'string' || !hex.test(seed)) throw new Error('The seed is not 64 hexadecimal digits.')
  return {
    ...(typeof room === 'string' && room ? { room } : {}), ...(typeof game === 'string' && game ? { game } : {}),
    round, events, claims, commitment: commitment.toLowerCase(), seed: seed.toLowerCase(),
  }
}

/** Checks what is the same for all games: the commitment, and that the round's events agree about it, the seed and the round. */
export function checkCommitment(r: Round): Step[] {
  const computed = commitmentOf(r.seed)
  const steps: Step[] = [
    { what: 'The seed is the one that was committed to before the first bet', shown: r.commitment, computed, ok: computed === r.commitment },
  ]
  const same = (what: string, shown: unknown, expected: unknown): void => {
    if (shown !== undefined && shown !== expected) steps.push({ what, shown: String(shown), computed: String(expected), ok: false })
  }
  const lower = (v: unknown): unknown => (typeof v === 'string' ? v.toLowerCase() : v)
  const at = (member: string): number => r.events.findIndex((e) => e.data[member] !== undefined)
  if (at('commitment') >= 0 && at('seed') >= 0 && at('commitment') >= at('seed')) {
    steps.push({ what: 'The commitment was shown before the seed', shown: r.events[at('commitment')]!.type, computed: `an event before ${r.events[at('seed')]!.type}`, ok: false })
  }
  for (const e of r.events) {
    same(`Every commitment is the one that was shown first (${e.type})`, lower(e.data.commitment), r.commitment)
    same(`Every seed is the one that was shown first (${e.type})`, lower(e.data.seed), r.seed)
    same(`Every event is of this round (${e.type})`, e.data.round, r.round)
  }
  return steps
}

export interface Verdict {
  ok: boolean
  steps: Step[]
  /** What the game's verifier found; undefined if there is none. */
  finding: Finding | undefined
}

/** Checks a round step by step: the commitment, and what the game's verifier recomputes. */
export function judge(r: Round, verifier: Verifier | undefined): Verdict {
  const finding = verifier?.verify(r)
  const steps = [...checkCommitment(r), ...(finding?.steps ?? [])]
  return { ok: steps.every((s) => s.ok), steps, finding }
}
