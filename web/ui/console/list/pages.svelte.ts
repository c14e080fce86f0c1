import type { Api } from '../api'
import { inWords } from '../words'

/** Source is where the rows of a list come from. */
export interface Source<T> {
  /** The route of the list, and its parameters that the list has whatever it is chosen by. */
  path: string
  /** How many rows are asked for at once. */
  limit: number
  rows(answer: Record<string, unknown>): readonly T[]
  /** Returns what a row is known by. */
  key(row: T): string
}

/** Pages holds the rows of a list as far as they were fetched, in pages, each by the cursor that the one before ended with. */
export class Pages<T> {
  /** How many rows there are so far. */
  count = $state(0)
  asking = $state(false)
  /** Whether anything was answered to what the list is chosen by now. */
  known = $state(false)
  error = $state('')
  #version = $state(0)
  #query: string | undefined
  #rows: T[] = []
  #begins: { row: number; cursor: string }[] = []
  #next = $state<string>()
  #question = 0
  #answered: Promise<unknown> | undefined // the last question

  constructor(
    private readonly api: Api,
    private readonly source: Source<T>,
  ) {}

  /** Whether there are rows after those that were fetched. */
  get more(): boolean {
    return this.#next !== undefined
  }

  /** Whether the list begins after its first row. */
  get later(): boolean {
    return this.#version >= 0 && (this.#begins[0]?.cursor ?? '') !== ''
  }

  slice(from: number, to: number): readonly T[] {
    return this.#version >= 0 ? this.#rows.slice(from, to) : []
  }

  at(row: number): T | undefined {
    return this.#rows[row]
  }

  /** Returns the row that is known by a key, or -1. */
  find(key: string): number {
    return this.#rows.findIndex((r) => this.source.key(r) === key)
  }

  /** Returns the cursor of the page that a row is on. */
  cursorAt(row: number): string {
    return this.#begins.findLast((b) => b.row <= row)?.cursor ?? ''
  }

  /** Reports whether these are the rows of a query, from the cursor on or from before it. */
  has(query: string, from: string): boolean {
    return query === this.#query && this.#begins.some((b) => b.cursor === from)
  }

  /** Returns the address of the list, from where it begins, without a page's size. */
  address(): string {
    return this.#address(this.#begins[0]?.cursor ?? '')
  }

  /** Fetches the first page for a query. Rows that are there stay until it comes. */
  async start(query: string, from: string): Promise<void> {
    this.#query = query
    this.#begins = [{ row: 0, cursor: from }]
    this.#next = undefined
    this.known = false
    this.#version++
    await this.#fetch(from, (rows, next) => {
      this.#rows = [...rows]
      this.#next = next
    })
  }

  /** Fetches the next page, if there is one and none is on its way. */
  async ask(): Promise<void> {
    const cursor = this.#next
    if (cursor === undefined || this.asking) return
    await this.#fetch(cursor, (rows, next) => {
      this.#begins.push({ row: this.#rows.length, cursor })
      this.#rows.push(...rows)
      this.#next = next
    })
  }

  /**
   * Fetches the page anew that a row is on, and returns false if that failed. Rows of a longer list are brought up to date where they are; none comes
   * or goes.
   */
  async refresh(row: number): Promise<boolean> {
    while (this.asking) await this.#answered // which may be older
    if (this.error || !this.known) return false
    return this.#fetch(this.cursorAt(row), (rows, next) => {
      if (this.#begins.length === 1) {
        this.#rows = [...rows]
        this.#next = next
        return
      }
      const fresh = new Map(rows.map((r) => [this.source.key(r), r]))
      this.#rows = this.#rows.map((r) => fresh.get(this.source.key(r)) ?? r)
    }, true)
  }

  /** Asks again for what could not be fetched. */
  async again(): Promise<void> {
    if (this.known && this.#next !== undefined) await this.ask()
    else await this.start(this.#query ?? '', this.#begins[0]?.cursor ?? '')
  }

  #address(cursor: string, limit = 0): string {
    const query = new URLSearchParams(this.#query ?? '')
    if (cursor) query.set('cursor', cursor)
    if (limit) query.set('limit', String(limit))
    const text = query.toString()
    return this.source.path + (text ? `?${text}` : '')
  }

  #fetch(cursor: string, take: (rows: readonly T[], next: string | undefined) => void, quietly = false): Promise<boolean> {
    const answered = this.#ask(cursor, take, quietly)
    this.#answered = answered
    return answered
  }

  async #ask(cursor: string, take: (rows: readonly T[], next: string | undefined) => void, quietly: boolean): Promise<boolean> {
    const mine = ++this.#question
    this.asking = true
    if (!quietly) this.error = ''
    try {
      const answer = await this.api.do<Record<string, unknown>>({ method: 'GET', path: this.#address(cursor, this.source.limit) })
      if (mine !== this.#question) return true
      take(this.source.rows(answer), answer.next as string | undefined)
      this.known = true
      this.count = this.#rows.length
      this.#version++
      return true
    } catch (err) {
      if (mine === this.#question && !quietly) this.error = inWords(err)
      return false
    } finally {
      if (mine === this.#question) this.asking = false
    }
  }
}
