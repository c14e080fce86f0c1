import { tab } from '../shared/storage'
import { unansweredKey } from '../shared/token'

/** Codes of commands that nobody refused: the line ended for good, or the room was left. */
export const noAnswers: ReadonlySet<string> = new Set(['timeout', 'disconnected', 'not_joined'])

const kept = (): string[] => JSON.parse(tab.get(unansweredKey) ?? '[]') as string[]
const keep = (room: string, left: boolean): void => tab.set(unansweredKey, JSON.stringify([...kept().filter((r) => r !== room), ...(left ? [room] : [])]))

/**
 * Unanswered remembers in this tab that a room has commands without an answer. A page that is loaded
 * again, or comes back to the table, does not know their ids: it can only say that there were some.
 */
export class Unanswered {
  /** Whether the room was left before all was answered. It is said once. */
  readonly left: boolean
  #open = 0

  constructor(private readonly room: string) {
    this.left = kept().includes(room)
    if (this.left) keep(room, false)
  }

  asked(): void {
    if (this.#open++ === 0) keep(this.room, true)
  }

  answered(): void {
    if (--this.#open === 0) keep(this.room, false)
  }
}
