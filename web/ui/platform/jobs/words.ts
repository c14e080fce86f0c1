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

/** When jobs that wait were first seen, by this page's clock: that of the server may be another. */
const seen = new Map<string, number>()

/** Reports whether a job waits for longer than it should, as when the platform's process is not running. It is asked again and again. */
export function isStuck({ id, state }: Pick<Job, 'id' | 'state'>, now = performance.now()): boolean {
  if (state !== 'queued') {
    seen.delete(id)
    return false
  }
  const since = seen.get(id) ?? now
  seen.set(id, since)
  return now - since > patience
}
