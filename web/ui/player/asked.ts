import type { RoundCommand, Stake } from '../client/src/round.js'
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
  return [
    bets === 0 ? '' : `Not known yet whether ${bets === 1 ? 'this bet counts' : 'these bets count'}.`,
    bets === late.length ? '' : 'Not known yet whether your bets were taken back.',
  ].filter((s) => s).join(' ')
}

/** Says what came of commands of one round that were answered late. */
export function inSentence(verdicts: readonly Verdict[], money: (minor: number) => string): string {
  const [first] = verdicts
  if (!first) return ''
  const of = (refused: boolean): string[] => {
    const these = verdicts.filter((v) => (v.refused !== undefined) === refused)
    const staked = sum(these.flatMap((v) => betsOf(v.command)))
    return [
      staked === 0 ? '' : `your bet of ${money(staked)} ${refused ? 'did not count' : 'counted'}`,
      these.every((v) => v.command.type === 'bet') ? '' : `your bets were ${refused ? 'not ' : ''}taken back`,
    ]
  }
  const why = verdicts.findLast((v) => v.refused !== undefined)?.refused
  return `Round ${first.command.round}: ${[...of(false), ...of(true)].filter((s) => s).join(', ')}.${why ? ` ${why}` : ''}`
}
