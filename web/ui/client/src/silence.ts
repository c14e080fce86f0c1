/** How long nothing may be heard, while a board is open, before the server is asked for a sign of life. */
const quietMs = 2_000
/** How long nothing may be heard after a ping before it is said that there is no answer. */
const answerWithinMs = 2_500

interface Hooks {
  /** Whether a board is open for bets. */
  watched(): boolean
  ping(): void
  changed(silent: boolean): void
}

/**
 * Silence notices that a socket which is open brings nothing any more. Every ping starts the wait
 * for an answer, and any frame is one; while a board is open, a silence is pinged into once.
 */
export class Silence {
  silent = false
  pingedAt = Number.NEGATIVE_INFINITY
  #heardAt = 0
  #askedAt: number | undefined // the first ping since something was heard
  #running = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly hooks: Hooks) {}

  /** A socket is open. */
  start(): void {
    this.#running = true
    this.#heardAt = Date.now()
    this.#askedAt = undefined
    this.#arm()
  }

  /** It has ended: what is to be said of that is the state's. */
  stop(): void {
    this.#running = false
    this.#arm()
    this.#set(false)
  }

  /** A frame came. */
  heard(): void {
    this.#heardAt = Date.now()
    const answered = this.#askedAt !== undefined
    this.#askedAt = undefined
    this.#set(false)
    if (answered) this.#arm()
  }

  /** A ping was sent. */
  pinged(): void {
    this.pingedAt = Date.now()
    if (this.#askedAt !== undefined) return
    this.#askedAt = this.pingedAt
    this.#arm()
  }

  /** A board may have opened. */
  look(): void {
    if (this.#timer === undefined) this.#arm()
  }

  /** When there is something to do next, if there is. */
  #due(): number | undefined {
    if (!this.#running || this.silent) return undefined
    if (this.#askedAt !== undefined) return this.#askedAt + answerWithinMs
    return this.hooks.watched() ? Math.max(this.#heardAt, this.pingedAt) + quietMs : undefined
  }

  #arm(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const due = this.#due()
    if (due === undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      const now = this.#due()
      if (now === undefined || now > Date.now()) this.#arm()
      else if (this.#askedAt !== undefined) this.#set(true)
      else this.hooks.ping()
    }, Math.max(0, due - Date.now()))
  }

  #set(silent: boolean): void {
    if (silent === this.silent) return
    this.silent = silent
    this.hooks.changed(silent)
  }
}
