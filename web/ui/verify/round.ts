// Written from "Fairness" in docs/games, not from the server's code.
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import type { Finding, Round, Step, StoredEvent, Verifier } from '../shared/games'
import { m } from '../shared/messages'
import { raw } from './raw'

const hex = /^[0-9a-f]{64}$/i

/** Returns the commitment to a seed: the SHA-256 of its 32 bytes. */
export function commitmentOf(seed: string): string {
  return bytesToHex(sha256(hexToBytes(seed)))
}

/** A round that cannot be verified, through no fault of its own: its seed is still secret, or was never shown. */
export class NoProof extends Error {
  constructor(
    readonly proof: 'pending' | 'lost',
    readonly round: number,
    message: string,
  ) {
    super(message)
  }
}

const isRound = (v: unknown): v is number => typeof v === 'number' && Number.isSafeInteger(v) && v >= 1

/** Reads a round as GET /v1/rooms/{room}/rounds/{round} gives it, or a plain {game, seed, commitment, round, …}. Throws NoProof if it has no seed. */
export function readRound(text: string): Round & { game?: string } {
  const value = JSON.parse(text) as { room?: unknown; game?: unknown; round?: unknown; events?: unknown; proof?: unknown; revealed_by?: unknown } | null
  if (typeof value !== 'object' || value === null) throw new Error(m.not_a_round())
  const { room, game, round, events: list, proof, revealed_by, ...claims } = value
  if (!isRound(round)) throw new Error(m.no_round_number())
  const stored = (e: Partial<StoredEvent> | null | undefined): StoredEvent => ({ type: String(e?.type), data: e?.data ?? {} })
  const events = (Array.isArray(list) ? (list as Partial<StoredEvent>[]) : []).map(stored)
  const revealedBy = typeof revealed_by === 'object' && revealed_by !== null ? stored(revealed_by) : undefined
  const first = (member: string): unknown => events.find((e) => e.data[member] !== undefined)?.data[member] ?? (claims as Record<string, unknown>)[member]
  const commitment = first('commitment')
  const seed = first('seed') ?? revealedBy?.data.seed
  const since = first('since') ?? round
  if (typeof commitment !== 'string' || !hex.test(commitment)) throw new Error(m.no_commitment())
  if (!isRound(since) || since > round) throw new Error(m.since_later())
  if (seed === undefined) throw noProof(round, proof, events.some((e) => e.type === 'round.settled' || e.type === 'round.voided'))
  if (typeof seed !== 'string' || !hex.test(seed)) throw new Error(m.seed_malformed())
  return {
    ...(typeof room === 'string' && room ? { room } : {}), ...(typeof game === 'string' && game ? { game } : {}), ...(revealedBy ? { revealedBy } : {}),
    round, events, claims, commitment: commitment.toLowerCase(), seed: seed.toLowerCase(), since,
  }
}

/** Says why a round without a seed cannot be verified. */
function noProof(round: number, proof: unknown, over: boolean): NoProof {
  if (proof === 'lost') return new NoProof('lost', round, m.because_lost())
  return new NoProof('pending', round, over ? m.because_serves() : m.because_open())
}

/** Checks what is the same for all games: the commitment, and that the round's events agree about it, the seed and the round. */
export function checkCommitment(r: Round): Step[] {
  const computed = commitmentOf(r.seed)
  const steps: Step[] = [
    { what: m.step_seed_committed(), shown: r.commitment, computed, ok: computed === r.commitment },
  ]
  const same = (what: string, shown: unknown, expected: unknown): void => {
    if (shown !== undefined && shown !== expected) steps.push({ what, shown: raw(shown), computed: raw(expected), ok: false })
  }
  const lower = (v: unknown): unknown => (typeof v === 'string' ? v.toLowerCase() : v)
  const at = (member: string): number => r.events.findIndex((e) => e.data[member] !== undefined)
  if (at('commitment') >= 0 && at('seed') >= 0 && at('commitment') >= at('seed')) {
    steps.push({ what: m.step_commitment_first(), shown: r.events[at('commitment')]!.type, computed: m.event_before({ type: r.events[at('seed')]!.type }), ok: false })
  }
  for (const e of r.events) {
    const { type } = e
    same(m.step_commitment({ type }), lower(e.data.commitment), r.commitment)
    same(m.step_seed({ type }), lower(e.data.seed), r.seed)
    same(m.step_round({ type }), e.data.round, r.round)
    if (committing.has(type)) same(m.step_since({ type }), e.data.since ?? r.round, r.since)
  }
  return [...steps, ...(r.revealedBy ? checkRevealed(r, r.revealedBy) : [])]
}

/** The events that say from which round on a seed decides. */
const committing: ReadonlySet<string> = new Set(['round.opened', 'seed.revealed'])

/** Checks that the event of a later round that shows the seed is about the seed of this one. */
function checkRevealed({ round, since, commitment, seed }: Round, { type, data }: StoredEvent): Step[] {
  const from = committing.has(type) ? (data.since ?? data.round) : (data.since ?? since)
  const lower = (v: unknown, expected: string): boolean => v === undefined || (typeof v === 'string' && v.toLowerCase() === expected)
  return [
    {
      what: m.step_revealed(), shown: m.rounds_from_to({ from: raw(from), to: raw(data.round) }),
      computed: m.rounds_from_to_or_later({ from: since, to: round }), ok: isRound(data.round) && data.round >= round && from === since,
    },
    ...(lower(data.commitment, commitment) ? [] : [{ what: m.step_commitment({ type }), shown: raw(data.commitment), computed: commitment, ok: false }]),
    ...(lower(data.seed, seed) ? [] : [{ what: m.step_seed({ type }), shown: raw(data.seed), computed: seed, ok: false }]),
  ]
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
