import { untrack } from 'svelte'
import { every } from '../../console/page'
import { inWords } from '../../console/words'
import { type Job, calls, isBusy, isOver } from '../api'
import type { Desk } from '../desk.svelte'
import { isStuck } from './words'

/** Live is a job, looked at often until it is over. */
export class Live {
  job = $state.raw<Job>()
  error = $state('')
  /** Whether nobody seems to do jobs. */
  stuck = $state(false)
  /** What the job made; it is told once. */
  secret = $state('')

  constructor(desk: Desk, id: string) {
    $effect(() =>
      untrack(() => {
        const stop = every(500, async () => {
          try {
            const job = await desk.do(calls.job(id))
            if (job.secret) this.secret = job.secret
            this.job = job
            this.stuck = isStuck(job) && (await desk.do(calls.running())).jobs.length === 0
            this.error = ''
            if (isOver(job)) stop()
          } catch (err) {
            if (!isBusy(err)) this.error = inWords(err)
          }
        })
        return stop
      }),
    )
  }
}
