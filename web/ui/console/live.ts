import { untrack } from 'svelte'
import type { Watchable } from '../client/src/index.js'

/** How long a part of the page is not asked for again after it was: at least so long, and so many times as long as that took. */
const [restMs, restTimes] = [1000, 5]
/** How often a part is asked for of which nothing is signalled: seldom, and more often without signals, or after it failed. */
const seldomMs = 60_000
const soonMs = 10_000

/** Signals is where it is said that something has changed. */
interface Signals {
  /** Asks for signals of these kinds, and of no others. */
  watch(of: readonly Watchable[]): void
  /** Whether there are signals. */
  on(): boolean
}

/** Part is a part of the page, which shows what is of some kinds. */
interface Part {
  of: readonly Watchable[]
  reload: () => Promise<unknown>
  /** Whether it is being asked for, or was a moment ago. */
  busy: boolean
  /** Whether it has to be asked for again. */
  due: boolean
  timer?: ReturnType<typeof setTimeout>
}

/**
 * Live keeps what is on the page up to date. A part is asked for at once, then when something of its kinds has changed, and seldom. Each is
 * asked for once at a time, after the last change once more, and not while nobody sees the page. A slow server is asked less often.
 */
export class Live {
  #parts = new Set<Part>()
  #watched = ''

  constructor(private readonly signals: Signals) {
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) for (const p of this.#parts) if (p.due) this.#look(p)
    })
  }

  /** What the parts on the page show. */
  get watched(): readonly Watchable[] {
    return [...new Set([...this.#parts].flatMap((p) => p.of))].sort()
  }

  /**
   * Adds a part until the returned function is called. What reload resolves to is false if it failed, and is to be called again soon. An effect
   * that adds a part depends on nothing in reload.
   */
  add(of: readonly Watchable[], reload: () => Promise<unknown>): () => void {
    const part: Part = { of, reload, busy: false, due: false }
    this.#parts.add(part)
    this.#look(part)
    this.#watch()
    return () => {
      this.#parts.delete(part)
      clearTimeout(part.timer)
      this.#watch()
    }
  }

  /** Says that something has changed. */
  changed(of: readonly Watchable[]): void {
    for (const p of this.#parts) if (p.of.some((kind) => of.includes(kind))) this.#look(p)
  }

  #look(part: Part): void {
    part.due = true
    if (part.busy || document.hidden) return
    void this.#reload(part)
  }

  async #reload(part: Part): Promise<void> {
    clearTimeout(part.timer)
    part.busy = true
    part.due = false
    const began = Date.now()
    let failed = true
    try {
      failed = (await untrack(part.reload)) === false
    } finally {
      const rest = Math.min(soonMs, Math.max(restMs, restTimes * (Date.now() - began)))
      if (this.#parts.has(part)) part.timer = setTimeout(() => this.#rested(part, failed), rest)
    }
  }

  #rested(part: Part, failed: boolean): void {
    part.busy = false
    if (part.due) return this.#look(part)
    part.timer = setTimeout(() => this.#look(part), failed || !this.signals.on() ? soonMs : seldomMs)
  }

  /** Watches what the parts show, after all that comes and goes at once. */
  #watch(): void {
    queueMicrotask(() => {
      const of = this.watched
      if (of.join() === this.#watched) return
      this.#watched = of.join()
      this.signals.watch(of)
    })
  }
}

/** Returns the kind of what a path of the API lists; none if nothing is signalled of it. */
export function kindsOf(path: string): readonly Watchable[] {
  const thing = path.split(/[/?]/)[1] ?? ''
  if (thing === 'ledger') return ['money']
  return kinds.filter((k) => k === thing)
}

const kinds: readonly Watchable[] = ['rooms', 'connections', 'players', 'money', 'promotions', 'audit', 'brand', 'keys', 'webhooks', 'approvals']
