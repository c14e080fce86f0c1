import type { Stake } from '../client/src/round.js'

/** Amounts by position; none is 0. */
export type Stakes = Record<string, number>

/** Returns stakes with others put on them, or taken off them (sign -1); nothing goes below 0. */
export function add(to: Stakes, stakes: readonly Stake[], sign = 1): Stakes {
  const out = { ...to }
  for (const s of stakes) {
    const sum = (out[s.position] ?? 0) + sign * s.amount
    if (sum > 0) out[s.position] = sum
    else delete out[s.position]
  }
  return out
}

/** Lists stakes position by position. */
export const listed = (stakes: Stakes): Stake[] => Object.entries(stakes).map(([position, amount]) => ({ position, amount }))

/**
 * Others says what the other players have on the felt. The table tells the sums of all players, as
 * of an event; this player's own stakes as of the same event are taken off them.
 */
export class Others {
  #seq = 0
  #totals: readonly Stake[] = []
  #counted: Stakes = {} // this player's stakes that the totals contain
  #later: { seq: number; stakes: readonly Stake[]; sign: number }[] = []

  /** All is known anew: the sums, and this player's stakes in them. */
  reset(seq: number, totals: readonly Stake[] = [], mine: readonly Stake[] = []): void {
    this.#seq = seq
    this.#totals = totals
    this.#counted = add({}, mine)
    this.#later = []
  }

  /** This player bet, or took a bet back (sign -1). */
  own(seq: number, stakes: readonly Stake[], sign = 1): void {
    this.#later.push({ seq, stakes, sign })
  }

  /** Newer sums. They are dropped if they are older than what is known. */
  told(seq: number, totals: readonly Stake[]): void {
    if (seq < this.#seq) return
    this.#seq = seq
    this.#totals = totals
    for (const l of this.#later) if (l.seq <= seq) this.#counted = add(this.#counted, l.stakes, l.sign)
    this.#later = this.#later.filter((l) => l.seq > seq)
  }

  get stakes(): Stakes {
    return add(add({}, this.#totals), listed(this.#counted), -1)
  }
}
