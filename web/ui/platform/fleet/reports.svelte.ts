import { every } from '../../console/page'
import { inWords } from '../../console/words'
import { type Job, calls, isBusy, isOver } from '../api'
import type { Desk } from '../desk.svelte'

/** Reports are what those that look at all casinos said last, and whether they are looking now. */
export class Reports {
  error = $state('')
  known = $state(false)
  #jobs = $state.raw<readonly Job[]>([])
  readonly #busy = $derived(this.#jobs.some((j) => !isOver(j)))

  constructor(
    private readonly desk: Desk,
    private readonly kinds: readonly string[],
  ) {
    $effect(() => every(this.#busy ? 700 : 5000, this.look))
  }

  /** Returns the last job of a kind. */
  last = (kind: string): Job | undefined => this.#jobs.find((j) => j.kind === kind)

  /** Returns the last one that came to its end. */
  done = (kind: string): Job | undefined => this.#jobs.find((j) => j.kind === kind && j.state === 'done')

  look = async (): Promise<void> => {
    try {
      this.#jobs = (await this.desk.do(calls.jobsOf(this.kinds, 100))).jobs
      this.known = true
      this.error = ''
    } catch (err) {
      if (!isBusy(err)) this.error = inWords(err)
    }
  }
}
