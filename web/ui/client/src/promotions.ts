import type { Promotion } from './protocol.js'

interface Handlers {
  changed(): void
  /** One that was not known before, and was told of rather than found on arrival. */
  published(promotion: Promotion): void
}

/** Promotions are those that run now, by id. Each goes when it is withdrawn, and at its end. */
export class Promotions {
  #running = new Map<string, Promotion>()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(
    private readonly now: () => number,
    private readonly handlers: Handlers,
  ) {}

  get list(): Promotion[] {
    return [...this.#running.values()]
  }

  /** All there are. */
  replace(all: Promotion[]): void {
    this.#running = new Map(all.filter((p) => Date.parse(p.ends_at) > this.now()).map((p) => [p.id, p]))
    this.#changed()
  }

  put(promotion: Promotion): void {
    if (Date.parse(promotion.ends_at) <= this.now()) return
    const known = this.#running.has(promotion.id)
    this.#running.set(promotion.id, promotion)
    this.#changed()
    if (!known) this.handlers.published(promotion)
  }

  remove(id: string): void {
    if (this.#running.delete(id)) this.#changed()
  }

  /** No timer is left running. */
  stop(): void {
    clearTimeout(this.#timer)
  }

  #changed(): void {
    this.#expireLater()
    this.handlers.changed()
  }

  #expireLater(): void {
    clearTimeout(this.#timer)
    const next = Math.min(...this.list.map((p) => Date.parse(p.ends_at)))
    if (!Number.isFinite(next)) return
    this.#timer = setTimeout(() => {
      const over = this.list.filter((p) => Date.parse(p.ends_at) <= this.now())
      for (const p of over) this.#running.delete(p.id)
      if (over.length > 0) this.#changed()
      else this.#expireLater() // the clock was set, or the end is further off than a timer can be
    }, Math.min(2 ** 31 - 1, Math.max(1, next - this.now())))
  }
}
