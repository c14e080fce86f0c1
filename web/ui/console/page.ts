import { untrack } from 'svelte'
import { writeTime } from '../shared/locale'

/**
 * Calls f now and every few seconds, while the page is seen, until the returned function is called. An effect that does so depends on nothing in f.
 * It is for what is not signalled: see Desk.live.
 */
export function every(ms: number, f: () => Promise<unknown>): () => void {
  let over = false
  let timer: ReturnType<typeof setTimeout>
  const round = async (): Promise<void> => {
    if (!document.hidden) await untrack(f)
    if (!over) timer = setTimeout(() => void round(), ms)
  }
  void round()
  return () => {
    over = true
    clearTimeout(timer)
  }
}

export const when = (at: string): string => writeTime(at, { dateStyle: 'short', timeStyle: 'medium' })
