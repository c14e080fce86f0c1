import { pause } from './backoff.js'
import { Board } from './board.js'
import type { ChatMessage, JoinResult, Place, RoomEvent } from './protocol.js'

/** What a room tells. A view replaces everything that was known; events come gaplessly after it. */
export interface RoomHandlers<View = unknown, Event = RoomEvent, Totals = unknown> {
  view?(view: View, place: Place): void
  event?(event: Event): void
  /**
   * What all players together have done, as of the event with this seq, which was heard before. It
   * replaces the totals before it, and those in a view; events after seq may have been heard too.
   */
  totals?(totals: Totals, seq: number): void
  chat?(message: ChatMessage): void
  /** The room could not be joined: it is gone, or closed. */
  lost?(code: string, message: string): void
}

/**
 * RoomState counts a room's events. It passes each on once and in order, and says when one is
 * missing. It knows nothing of sockets.
 */
export class RoomState {
  place: Place | undefined
  /** Whether a join is on its way, or waits for its next try. */
  joining = false
  /** Whether the server has us in the room, so that commands can be sent to it. */
  here = false
  readonly board = new Board()
  #totalsAt = 0 // the seq of the totals, or of the view, that was passed on last
  #ahead: { seq: number; data: unknown } | undefined // totals as of an event that was not heard yet
  #resynced = false // since the join that is on its way was asked for
  #refusals = 0 // of room.join, in a row
  #retry: ReturnType<typeof setTimeout> | undefined
  #chat = new Set<string>()

  constructor(
    readonly room: string,
    readonly handlers: RoomHandlers,
  ) {}

  /** A room.join is on its way. */
  asked(): void {
    this.joining = true
    this.#resynced = false
    this.#ahead = undefined
  }

  /** room.join was not answered for now. It is tried again, after longer each time. */
  refused(again: () => void): void {
    this.#retry = setTimeout(() => {
      this.joining = false
      again()
    }, pause(this.#refusals++))
  }

  /** The socket ended, or the room was left. */
  away(): void {
    clearTimeout(this.#retry)
    this.joining = this.here = false
    this.#refusals = 0
  }

  /** The reply to room.join. */
  joined(result: JoinResult): void {
    this.joining = false
    this.here = true
    this.#refusals = 0
    if (result.view !== undefined) {
      // A view that was made before a resync, and came after it, is old.
      if (!this.#resynced || result.seq >= (this.place?.seq ?? 0)) this.#replace(result, result.view)
    } else {
      for (const e of result.events ?? []) this.take(e)
      if (result.seq >= (this.place?.seq ?? 0)) this.place = { epoch: result.epoch, seq: result.seq }
    }
    if (result.totals !== undefined) this.total(result.seq, result.totals)
    else this.#release()
    for (const m of result.chat ?? []) this.say(m)
  }

  /** An event that was pushed. False means that one before it is missing: join again. */
  take(event: RoomEvent): boolean {
    if (!this.place || event.seq <= this.place.seq) return true
    if (event.seq > this.place.seq + 1) return false
    this.place = { epoch: event.epoch, seq: event.seq }
    this.board.event(event)
    this.handlers.event?.(event)
    this.#release()
    return true
  }

  /** Totals that were pushed. Those that are ahead of the events wait for them, and older ones are dropped. */
  total(seq: number, data: unknown): void {
    if (seq < this.#totalsAt || seq < (this.#ahead?.seq ?? 0)) return
    this.#ahead = { seq, data }
    this.#release()
  }

  /** The room's last seq. False means that something is missing. */
  beat(seq: number): boolean {
    return !this.place || seq <= this.place.seq
  }

  resync(place: Place, view: unknown): void {
    this.#resynced = true
    this.#replace(place, view)
  }

  say(message: ChatMessage): void {
    if (this.#chat.has(message.id)) return
    this.#chat.add(message.id)
    this.handlers.chat?.(message)
  }

  #replace(place: Place, view: unknown): void {
    this.#totalsAt = place.seq
    this.place = { epoch: place.epoch, seq: place.seq }
    this.board.view(view)
    this.handlers.view?.(view, this.place)
    this.#release()
  }

  #release(): void {
    const next = this.#ahead
    if (!next || !this.place || next.seq > this.place.seq) return
    this.#ahead = undefined
    if (next.seq < this.#totalsAt) return
    this.#totalsAt = next.seq
    this.handlers.totals?.(next.data, next.seq)
  }
}
