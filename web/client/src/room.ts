import type { ChatMessage, JoinResult, Place, RoomEvent } from './protocol.js'

/** What a room tells. A view replaces everything that was known; events come gaplessly after it. */
export interface RoomHandlers<View = unknown, Event = RoomEvent> {
  view?(view: View, place: Place): void
  event?(event: Event): void
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
  joining = false
  #chat = new Set<string>()

  constructor(
    readonly room: string,
    readonly handlers: RoomHandlers,
  ) {}

  /** Whether commands can be sent to it. */
  get seated(): boolean {
    return this.place !== undefined && !this.joining
  }

  /** The reply to room.join. */
  joined(result: JoinResult): void {
    if (result.view !== undefined) {
      this.place = { epoch: result.epoch, seq: result.seq }
      this.handlers.view?.(result.view, this.place)
    } else {
      for (const e of result.events ?? []) this.take(e)
      this.place = { epoch: result.epoch, seq: result.seq }
    }
    for (const m of result.chat ?? []) this.say(m)
  }

  /** An event that was pushed. False means that one before it is missing: join again. */
  take(event: RoomEvent): boolean {
    if (!this.place || event.seq <= this.place.seq) return true
    if (event.seq > this.place.seq + 1) return false
    this.place = { epoch: event.epoch, seq: event.seq }
    this.handlers.event?.(event)
    return true
  }

  /** The room's last seq. False means that something is missing. */
  beat(seq: number): boolean {
    return !this.place || seq <= this.place.seq
  }

  resync(place: Place, view: unknown): void {
    this.place = { epoch: place.epoch, seq: place.seq }
    this.handlers.view?.(view, this.place)
  }

  say(message: ChatMessage): void {
    if (this.#chat.has(message.id)) return
    this.#chat.add(message.id)
    this.handlers.chat?.(message)
  }
}
