import type { Presence } from '../client/src/index.js'
import type { Api } from './api'

/** What every section of the console is given. */
export interface PageProps {
  api: Api
  exponent: number
  currency: string
  presence: Presence | undefined
  writes: boolean // the role may change things
}

/** Calls f now and every few seconds until the returned function is called. */
export function every(ms: number, f: () => Promise<void>): () => void {
  let over = false
  let timer: ReturnType<typeof setTimeout>
  const round = async (): Promise<void> => {
    await f()
    if (!over) timer = setTimeout(() => void round(), ms)
  }
  void round()
  return () => {
    over = true
    clearTimeout(timer)
  }
}

export const when = (at: string): string => new Date(at).toLocaleString(undefined, { dateStyle: 'short', timeStyle: 'medium' })
