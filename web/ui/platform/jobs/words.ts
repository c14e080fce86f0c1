import { m } from '../../shared/messages'
import type { Job } from '../api'

/** Returns what a kind of job does, in words; the kind itself if there are none. */
export function kindOf(kind: string): string {
  const word = (m as unknown as Readonly<Record<string, (() => string) | undefined>>)[`platform_kind_${kind.replace('.', '_')}`]
  return word?.() ?? kind
}

/** Returns the names of jobs' states. */
export const states = (): Record<Job['state'], string> => ({ queued: m.platform_job_queued(), running: m.platform_job_running(), done: m.platform_job_done(), failed: m.platform_job_failed() })

/** Returns the slug of the casino that a job is about, or that it made; "" for one that is about none. */
export const casinoOf = ({ tenant, kind, result }: Job): string => tenant ?? ((kind === 'tenant.create' && (result as { slug?: string } | undefined)?.slug) || '')

/** How long a job may wait before that is strange, in milliseconds. */
const patience = 4000

/** Reports whether nobody does jobs: one waits for longer than it should, and none is being done. */
export const isStuck = (job: Job, running: boolean, now = Date.now()): boolean => job.state === 'queued' && !running && now - Date.parse(job.created_at) > patience
