// Written from "Fairness" in docs/games/roulette.md, not from the server's code.
import type { Step, Verifier } from '../../shared/games'
import { m } from '../../shared/messages'
import { raw } from '../../verify/raw'
import { below, words } from '../../verify/stream'
import Explain from './Explain.svelte'
import { type Stored, wrongSums } from './sums'

export interface Draw {
  words: number[] // the words that were looked at; all but the last were skipped
  pocket: number
}

/** Returns the pocket that follows from a seed in a round. */
export function draw(seed: string, round: number): Draw {
  const { words: looked, value } = below(37, words(seed, `pitboss.roulette.v1:${round}`))
  return { words: looked, pocket: value }
}

/** Recomputes the number of a round, and adds up what was staked and paid. */
const verifier: Verifier<Draw> = {
  verify(round) {
    const events = round.events as readonly Stored[]
    const spun = events.find((e) => e.type === 'wheel.spun')
    const settled = events.find((e) => e.type === 'round.settled')
    const pocket = spun?.data.pocket ?? (round.claims.pocket as number | undefined) // of a voided round: what would have been drawn
    const drawn = draw(round.seed, round.round)
    const steps: Step[] = []
    if (pocket !== undefined) {
      steps.push({ what: m.roulette_step_number(), shown: String(pocket), computed: String(drawn.pocket), ok: drawn.pocket === pocket })
    }
    const paid = settled?.data.pocket
    if (paid !== undefined && paid !== pocket) {
      steps.push({ what: m.roulette_step_paid_number(), shown: raw(paid), computed: raw(pocket), ok: false })
    }
    const committed = events.findIndex((e) => e.data.commitment !== undefined)
    const order = [committed, ...['bet.placed', 'wheel.spun'].map((type) => events.findIndex((e) => e.type === type))].filter((i) => i >= 0)
    if (order.some((at, i) => i > 0 && at < order[i - 1]!)) {
      const shown = events.map((e) => e.type).join(', ')
      steps.push({ what: m.roulette_step_order(), shown, computed: m.roulette_order(), ok: false })
    }
    steps.push(...wrongSums(events, pocket))
    return { outcome: { what: m.roulette_number(), value: String(pocket ?? drawn.pocket), claimed: pocket !== undefined }, steps, work: drawn }
  },
  explain: Explain,
}

export default verifier
