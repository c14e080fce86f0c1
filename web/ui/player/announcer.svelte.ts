import { prefersReducedMotion } from 'svelte/motion'
import { m } from '../shared/messages'
import type { Outcome } from './round.svelte'
import { play } from './sound'

/** How long before bets are closed it is said, in milliseconds. */
const warnMs = 5000

/** What a round tells, as far as it is announced. */
export interface Announced {
  readonly phase: string
  readonly round: number
  readonly closesAt: number | undefined
  readonly told: boolean
  readonly outcome: Outcome | undefined
}

/** Announcer says what happens at a table to who listens to the page: each thing once, when it happens. */
export class Announcer {
  /** What is said now. */
  text = $state('')
  #said = '' // what was said last of the round, so that nothing is said twice
  #timer: ReturnType<typeof setTimeout> | undefined
  #warned = 0

  constructor(
    private readonly table: Announced,
    private readonly serverNow: () => number,
    private readonly money: (minor: number) => string,
  ) {}

  /** Says what the table shows now. Result is the outcome in words, once it may be told. */
  look(phase: string, result: string | undefined): void {
    const { round, closesAt, told, outcome } = this.table
    clearTimeout(this.#timer)
    if (this.table.phase === 'betting' && closesAt !== undefined) {
      const left = closesAt - this.serverNow()
      if (this.#warned !== round && left > 0) this.#timer = setTimeout(() => this.#warn(round, closesAt), Math.max(0, left - warnMs))
    }
    const settled = told && result !== undefined && (this.table.phase === 'settled' || prefersReducedMotion.current)
    const key = settled ? `${round} result ${outcome?.payout ?? ''}` : `${round} ${phase}`
    if (key === this.#said) return
    this.#said = key
    if (!settled) this.text = phase
    else if (!outcome) this.text = result
    else {
      const { staked, payout } = outcome
      // UKGC RTS 14F: a return at or below the stake is not celebrated.
      if (payout > staked) play('win')
      this.text = payout > staked ? m.said_win({ result, won: this.money(payout - staked), payout: this.money(payout) }) : m.said_return({ result, payout: this.money(payout), staked: this.money(staked) })
    }
  }

  /** Says that a bet counts, or what went wrong. */
  say(text: string): void {
    this.text = text
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #warn(round: number, closesAt: number): void {
    this.#warned = round
    this.text = m.closes_in({ count: Math.max(1, Math.round((closesAt - this.serverNow()) / 1000)) })
    play('warning')
  }
}
