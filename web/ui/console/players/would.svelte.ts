import type { Call, DryRun } from '../api'
import type { Desk } from '../desk.svelte'

/** Would asks the API what would happen, once one pauses, and keeps the answer as long as it is about what is asked now. */
export class Would {
  answer = $state.raw<DryRun>()

  /** Asks what ask returns, anew whenever it changes; refused is told of an error, or of none. */
  constructor(desk: Desk, ask: () => Call<DryRun> | undefined, refused: (err: unknown) => void) {
    $effect(() => {
      const call = ask()
      this.answer = undefined
      if (!call) return
      let over = false
      const timer = setTimeout(() => {
        desk.do(call).then((answer) => over || (this.answer = answer), (err) => over || refused(err))
      }, 250)
      return () => {
        over = true
        clearTimeout(timer)
      }
    })
  }
}
