import { every } from '../../console/page'
import { inWords } from '../../console/words'
import { type Job, type Or, calls, isOver } from '../api'
import type { Call } from '../../console/api'
import type { Desk } from '../desk.svelte'
import { isStuck } from '../jobs/words'

/** Report is what something that looks at all casinos said last, and whether it is looking now. */
export class Report<T> {
  last = $state.raw<Job>()
  /** The last one that came to its end. */
  done = $state.raw<Job>()
  error = $state('')
  known = $state(false)
  readonly busy = $derived(this.last !== undefined && !isOver(this.last))
  readonly stuck = $derived(this.last !== undefined && isStuck(this.last, false))

  constructor(
    private readonly desk: Desk,
    private readonly kind: string,
    private readonly call: () => Call<Or<object>>,
  ) {
    $effect(() => every(this.busy ? 700 : 5000, this.look))
  }

  /** What is asked of the API. */
  get asks(): Call<unknown> {
    return this.call()
  }

  get result(): T | undefined {
    return this.done?.result as T | undefined
  }

  look = async (): Promise<void> => {
    try {
      const [last, done] = await Promise.all([this.desk.do(calls.lastJob(this.kind)), this.desk.do(calls.lastJob(this.kind, 'done'))])
      this.last = last.jobs[0]
      this.done = done.jobs[0]
      this.known = true
      this.error = ''
    } catch (err) {
      this.error = inWords(err)
    }
  }

  run = async (): Promise<void> => {
    if (this.busy) return
    try {
      await this.desk.do(this.call())
    } catch (err) {
      this.error = inWords(err)
      return
    }
    await this.look()
  }
}
