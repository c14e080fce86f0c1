import type { RoundCommand, Stake } from '../client/src/round.js'
import { m } from '../shared/messages'
import { add, type Stakes } from '../shared/stakes'

/** A command that was given, and not answered yet. */
export interface Asked {
  readonly command: RoundCommand
  /** Whether its round took no more bets before there was an answer. */
  readonly late: boolean
}

/** What came of a command that was answered late. */
export interface Verdict {
  readonly command: RoundCommand
  /** Why it was refused, in words. */
  readonly refused?: string
}

const betsOf = (command: RoundCommand): readonly Stake[] => (command.type === 'bet' ? command.bets : [])
const sum = (bets: readonly Stake[]): number => bets.reduce((n, b) => n + b.amount, 0)

/** Returns what the bets among them come to, position by position. */
export function stakesOf(asked: readonly Asked[], late: boolean): Stakes {
  return asked.filter((a) => a.late === late).reduce<Stakes>((to, a) => add(to, betsOf(a.command)), {})
}

/** Says what is not known yet; empty if there is nothing. */
export function doubtOf(asked: readonly Asked[]): string {
  const late = asked.filter((a) => a.late)
  const bets = late.filter((a) => a.command.type === 'bet').length
  return [bets === 0 ? '' : m.doubt_bets({ count: bets }), bets === late.length ? '' : m.doubt_taken_back()].filter((s) => s).join(' ')
}

/** Says what came of commands of one round that were answered late. */
export function inSentence(verdicts: readonly Verdict[], money: (minor: number) => string): string {
  const [first] = verdicts
  if (!first) return ''
  const { round } = first.command
  const of = (refused: boolean): string[] => {
    const these = verdicts.filter((v) => (v.refused !== undefined) === refused)
    const staked = sum(these.flatMap((v) => betsOf(v.command)))
    const bet = refused ? m.late_bet_refused : m.late_bet_counted
    const taken = refused ? m.late_taking_back_refused : m.late_taken_back
    return [staked === 0 ? '' : bet({ round, amount: money(staked) }), these.every((v) => v.command.type === 'bet') ? '' : taken({ round })]
  }
  return [...of(false), ...of(true), verdicts.findLast((v) => v.refused !== undefined)?.refused].filter((s) => s).join(' ')
}
