import { type Player, calls } from '../api'
import type { Desk } from '../desk.svelte'
import { inWords } from '../words'

/** One is a player as the casino has it now, while it is looked at. */
export class One {
  /** The player; null if nobody has that id. */
  now = $state.raw<Player | null>()
  error = $state('')

  constructor(desk: Desk, id: string) {
    $effect(() =>
      desk.live(['players', 'money'], async () => {
        try {
          this.now = (await desk.do(calls.player(id))).players[0] ?? null
          this.error = ''
        } catch (err) {
          this.error = inWords(err)
        }
        return this.error === ''
      }),
    )
  }
}
