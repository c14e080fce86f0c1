import { RoundTable } from '../../player/round.svelte'
import type { TableRoom } from '../../shared/games'
import type { Event, Result, View } from './types'

/** A roulette table as this player sees it. */
export class Table extends RoundTable<View, Event> {
  settlesAt = $state<number>()
  pocket = $state<number>()
  results = $state<Result[]>([])

  constructor(room: TableRoom) {
    super(room)
    this.listen()
  }

  protected override show(v: View): void {
    this.settlesAt = v.settles_at ? Date.parse(v.settles_at) : undefined
    this.pocket = v.pocket
    this.results = v.results
  }

  protected override heard(e: Event): void {
    switch (e.type) {
      case 'round.opened':
        this.settlesAt = this.pocket = undefined
        return
      case 'betting.closed':
        this.phase = 'closed'
        if (e.data.totals) this.summed(e.data.round, e.data.totals, e.seq)
        return
      case 'wheel.spun':
        this.phase = 'spinning'
        this.pocket = e.data.pocket
        this.settlesAt = Date.parse(e.data.settles_at)
        this.reveal(e.data.round, e.data.seed)
        return
      case 'round.settled': {
        const { round, pocket } = e.data
        this.results = [...this.results.slice(-499), { round, pocket }]
        return
      }
      case 'round.voided':
        this.pocket = undefined
        return
      case 'deadline.moved':
        if (this.phase === 'spinning') this.settlesAt = Date.parse(e.data.until)
    }
  }
}
