import type { Call } from '../api'
import type { Desk } from '../desk.svelte'
import { every } from '../page'
import { inWords } from '../words'

/** Polled is what the API answers, asked for again every few seconds while it is looked at. */
export class Polled<T> {
  now = $state.raw<T>()
  error = $state('')
  /** Asks at once. */
  readonly again: () => Promise<void>

  constructor(desk: Desk, ms: number, call: () => Call<T>) {
    this.again = async () => {
      try {
        this.now = await desk.do(call())
        this.error = ''
      } catch (err) {
        this.error = inWords(err)
      }
    }
    $effect(() => every(ms, this.again))
  }
}
