import { home } from '../shared/storage'
import { addressOf, nowhere, type Place, placeAt, sectionOf } from './route'


/** Route is the place that the console's address names. */
export class Route {
  place = $state.raw<Place>(nowhere)

  readonly #first: string

  /** The section that is shown where none is named is first. */
  constructor(first = 'tables') {
    this.#first = first
    this.#look()
    addEventListener('popstate', () => this.#look())
    addEventListener('hashchange', () => this.#look())
  }

  /** Goes to a place; what it does not name is as it is nowhere. */
  go(to: Partial<Place>): void {
    this.#set(to, history.pushState.bind(history))
  }

  /** Changes the place that one is at: as a step of its own, to which Back returns from the next one. */
  step(change: Partial<Place>): void {
    this.go({ ...this.place, ...change })
  }

  /** Changes the place that one is at, in place of it. */
  amend(change: Partial<Place>): void {
    // What is over a place is closed by going back only as long as the place below is the same.
    const same = Object.keys(change).every((part) => part === 'open' || part === 'action' || part === 'on' || part === 'from')
    this.#set({ ...this.place, ...change }, history.replaceState.bind(history), same ? history.state : null)
  }

  /** Shows something over the place that one is at, until it is closed. */
  over(change: Partial<Place>): void {
    this.#set({ ...this.place, ...change }, history.pushState.bind(history), { over: true })
  }

  /** Closes what is over a place: by going back to where it was opened, if it was opened here. */
  close(change: Partial<Place>): void {
    if ((history.state as { over?: boolean } | null)?.over) history.back()
    else this.amend(change)
  }

  #set(to: Partial<Place>, put: (state: unknown, unused: string, url: string) => void, state: unknown = null): void {
    put(state, '', home + addressOf(to))
    this.#look()
  }

  #look(): void {
    const place = placeAt(location.pathname.slice(home.length) + location.search)
    const section = place.section || sectionOf(location.hash) || this.#first
    if (section !== place.section) history.replaceState(history.state, '', home + addressOf({ ...place, section }))
    this.place = { ...place, section }
  }
}
