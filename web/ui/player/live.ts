import type { RoundBrief } from '../client/src/round.js'
import { m } from '../shared/messages'

/** What the lobby's card says of a table at a moment. */
export interface Live {
  /** What goes on; empty if nothing is known, or if the game is none of rounds. */
  text: string
  /** How many seconds are left to bet, if the clock runs. */
  seconds?: number
}

/** Returns what a brief says at a time of the server's clock. */
export function liveOf(brief: unknown, now: number): Live {
  const { phase, closes_at } = (brief ?? {}) as Partial<RoundBrief>
  switch (phase) {
    case 'betting': {
      if (closes_at === undefined) return { text: m.phase_first_bet() }
      const seconds = Math.ceil((Date.parse(closes_at) - now) / 1000)
      return seconds > 0 ? { text: m.phase_betting(), seconds } : { text: m.phase_no_more_bets() }
    }
    case 'playing':
      return { text: m.phase_no_more_bets() }
    case 'settled':
      return { text: m.next_round_soon() }
  }
  return { text: '' }
}
