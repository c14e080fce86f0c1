import { RoundTable } from '../../player/round.svelte'
import type { TableRoom } from '../../shared/games'
import { m } from '../../shared/messages'
import { pointsOf, sayCard, sayPoints, sayPosition } from './cards'
import { ofShoe } from './roads'
import type { Burned, Card, Event, Result, Side, View } from './types'

/** A card on the table: up says whether its face is seen here, live whether it was dealt while one looked on. */
export interface TableCard {
  card: Card
  up: boolean
  live: boolean
}

/** What a screen reader is told, one after the other. */
export interface Said {
  id: number
  text: string
}

/** How many cards a shoe has. */
export const shoeSize = 416
const kept = 200

/** Who waits for a card to be turned gets it at the latest so long before the next card comes, or the result. */
const turnEarlyMs = 350

/** A baccarat table as this player sees it. */
export class Table extends RoundTable<View, Event> {
  /** When the next card comes, or the result. */
  dealsAt = $state<number>()
  player = $state.raw<readonly TableCard[]>([])
  banker = $state.raw<readonly TableCard[]>([])
  burned = $state.raw<Burned>()
  /** The result of the hand, once it is paid. */
  result = $state.raw<Result>()
  results = $state.raw<readonly Result[]>([])
  /** Whether this hand is the shoe's last. */
  last = $state(false)
  /** How many cards of the shoe are out. */
  dealt = $state(0)
  said = $state.raw<readonly Said[]>([])
  /** Whether cards come face down, to be turned by hand. It changes what is seen, and when; never the round. */
  squeeze = $state(false)
  #lastNext = false
  #saying = 0
  #turning: ReturnType<typeof setTimeout> | undefined

  constructor(room: TableRoom) {
    super(room)
    this.listen()
  }

  /** The hands of the shoe at hand. */
  readonly shoe = $derived(ofShoe(this.results, this.since ?? this.round))

  get left(): number {
    return shoeSize - this.dealt
  }

  override leave(): void {
    super.leave()
    clearTimeout(this.#turning)
  }

  /** Turns the card that lies face down. */
  turn = (): void => {
    clearTimeout(this.#turning)
    for (const side of ['player', 'banker'] as const) {
      const down = this[side].findIndex((c) => !c.up)
      if (down < 0) continue
      this[side] = this[side].map((c) => ({ ...c, up: true }))
      this.#sayCard(side)
    }
  }

  protected override show(v: View): void {
    clearTimeout(this.#turning)
    this.dealsAt = v.deals_at ? Date.parse(v.deals_at) : undefined
    this.burned = v.burned
    const seen = (card: Card): TableCard => ({ card, up: true, live: false })
    this.player = v.player.map(seen)
    this.banker = v.banker.map(seen)
    this.last = v.last ?? false
    this.#lastNext = v.cut === true && !this.last
    this.dealt = v.dealt
    this.result = v.phase === 'settled' || v.phase === 'ended' ? v.results.find((r) => r.round === v.round) : undefined
    this.results = v.results
  }

  protected override heard(e: Event): void {
    switch (e.type) {
      case 'round.opened':
        this.#sweep()
        this.last = this.#lastNext && e.data.since !== undefined
        this.#lastNext = false
        if (e.data.since === undefined) this.dealt = 0
        return
      case 'betting.closed':
        this.phase = 'closed'
        this.dealsAt = Date.parse(e.data.deals_at)
        this.summed(e.data.round, e.data.totals, e.seq)
        return
      case 'card.burned': {
        const { card, count, deals_at } = e.data
        this.#dealing(deals_at)
        this.burned = { card, count }
        this.dealt += 1 + count
        this.#say(m.baccarat_burned({ card: sayCard(card), count }))
        return
      }
      case 'card.dealt':
        this.#deal(e.data)
        return
      case 'round.settled':
        this.#settle(e.data)
        return
      case 'round.voided':
        this.#sweep()
        return
      case 'deadline.moved':
        if (this.phase !== 'closed' && this.phase !== 'dealing') return
        this.dealsAt = Date.parse(e.data.until)
        if (this.#turning) this.#turnInTime()
    }
  }

  #dealing(dealsAt: string): void {
    this.phase = 'dealing'
    this.dealsAt = Date.parse(dealsAt)
  }

  #deal({ to, card, cut, deals_at }: { to: Side; card: Card; cut?: boolean; deals_at: string }): void {
    this.turn() // the one before
    this.#dealing(deals_at)
    this.dealt++
    if (cut) {
      const first = this.player.length + this.banker.length === 0
      if (first) this.last = true
      else if (!this.last) this.#lastNext = true
      this.#say(first ? m.baccarat_cut_last() : m.baccarat_cut_one_more())
    }
    this[to] = [...this[to], { card, up: !this.squeeze, live: true }]
    if (this.squeeze) this.#turnInTime()
    else this.#sayCard(to)
  }

  #settle({ round, winner, player, banker, player_points, banker_points, player_pair, banker_pair }: Extract<Event, { type: 'round.settled' }>['data']): void {
    this.turn()
    this.dealsAt = undefined
    const result: Result = { round, winner, player: player_points, banker: banker_points, ...(player_pair ? { player_pair } : {}), ...(banker_pair ? { banker_pair } : {}) }
    const whole = (cards: readonly Card[], seen: readonly TableCard[]): TableCard[] => cards.map((card, i) => seen[i] ?? { card, up: true, live: false })
    this.player = whole(player, this.player)
    this.banker = whole(banker, this.banker)
    this.result = result
    this.results = [...this.results.slice(1 - kept), result]
  }

  #turnInTime(): void {
    clearTimeout(this.#turning)
    const wait = (this.dealsAt ?? 0) - this.room.serverNow()
    this.#turning = setTimeout(this.turn, Math.max(0, wait - Math.min(turnEarlyMs, wait / 4)))
  }

  #sweep(): void {
    clearTimeout(this.#turning)
    this.player = this.banker = []
    this.burned = this.result = this.dealsAt = undefined
    this.said = []
  }

  /** Says the last card of a hand, and the points with it. */
  #sayCard(side: Side): void {
    const hand = this[side].map((c) => c.card)
    this.#say(m.baccarat_dealt({ side: sayPosition(side), card: sayCard(hand.at(-1) ?? ''), points: sayPoints(pointsOf(hand)) }))
  }

  #say(text: string): void {
    this.said = [...this.said.slice(-9), { id: ++this.#saying, text }]
  }
}
