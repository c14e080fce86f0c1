import { remember, remembered } from '../shared/storage'

/** Missed remembers in which round of a room a player has a stake whose outcome was not seen yet, also when the page is closed. */
export class Missed {
  readonly #key: string

  constructor(player: string, room: string) {
    this.#key = `pitboss.staked.${player}.${room}`
  }

  /** The player has a stake in a round. */
  staked(round: number): void {
    remember(this.#key, String(round))
  }

  /** The outcome of a round was seen. */
  seen(round: number): void {
    if (this.#round === round) remember(this.#key, '')
  }

  /** Returns the round whose outcome was missed, if that is over by now: another one is being played. It is said once. */
  of(current: number): number | undefined {
    const round = this.#round
    if (!round || round >= current) return undefined
    remember(this.#key, '')
    return round
  }

  get #round(): number {
    return Number(remembered(this.#key) ?? 0)
  }
}
