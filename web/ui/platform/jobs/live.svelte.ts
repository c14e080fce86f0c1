import { untrack } from 'svelte'
import { every } from '../../console/page'
import { inWords } from '../../console/words'
import { type Job, calls, isOver } from '../api'
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
            this.stuck = isStuck(job, false) && (await desk.do({ method: 'GET', path: 'v1/jobs?state=running&limit=1' } as { method: 'GET'; path: string; answer?: { jobs: Job[] } })).jobs.length === 0
            this.job = job
            this.error = ''
            if (isOver(job)) stop()
          } catch (err) {
            this.error = inWords(err)
          }
        })
        return stop
      }),
    )
  }
}
