import type { RoomEvent } from './protocol.js'
import type { EventOf, RoundEvents } from './round.js'

/** Board follows whether a room takes bets, by what all round games say. In a room of another kind it never does. */
export class Board {
  #betting = false
  #closesAt: number | undefined

  /** Whether bets are taken at a time of the server's clock. */
  open(now: number): boolean {
    return this.#betting && (this.#closesAt === undefined || this.#closesAt > now)
  }

  view(view: unknown): void {
    const { phase, closes_at } = (view ?? {}) as { phase?: unknown; closes_at?: unknown }
    this.#betting = phase === 'betting'
    this.#closesAt = typeof closes_at === 'string' ? Date.parse(closes_at) : undefined
  }

  event(event: RoomEvent): void {
    const e = event as EventOf<RoundEvents>
    switch (e.type) {
      case 'round.opened':
        this.#betting = true
        this.#closesAt = undefined
        return
      case 'betting.started':
        this.#closesAt = Date.parse(e.data.closes_at)
        return
      case 'betting.stopped':
        this.#closesAt = undefined
        return
      case 'deadline.moved': // of whatever phase
        if (this.#closesAt !== undefined && this.open(Date.parse(e.at))) this.#closesAt = Date.parse(e.data.until)
        return
      case 'round.settled':
      case 'round.voided':
      case 'room.closed':
        this.#betting = false
    }
  }
}
