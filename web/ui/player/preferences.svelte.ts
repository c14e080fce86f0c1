import { remember, remembered } from '../shared/storage'

/** Preferences are what a player has chosen for all tables, kept in this browser. */
class Preferences {
  #keys = $state(remembered('pitboss.keys') !== 'off')
  #sound = $state(remembered('pitboss.sound') === 'on')
  #favourites = $state.raw<readonly string[]>((remembered('pitboss.favourites') ?? '').split(' ').filter((r) => r))

  /** Whether single keys do something while the focus is on the board: some of them stake money. */
  get keys(): boolean {
    return this.#keys
  }

  set keys(on: boolean) {
    this.#keys = on
    remember('pitboss.keys', on ? 'on' : 'off')
  }

  get sound(): boolean {
    return this.#sound
  }

  set sound(on: boolean) {
    this.#sound = on
    remember('pitboss.sound', on ? 'on' : 'off')
  }

  /** The rooms that were marked, by name. */
  get favourites(): readonly string[] {
    return this.#favourites
  }

  /** Marks a room, or takes the mark off. */
  mark(room: string): void {
    this.#favourites = this.#favourites.includes(room) ? this.#favourites.filter((r) => r !== room) : [...this.#favourites, room]
    remember('pitboss.favourites', this.#favourites.join(' '))
  }
}

export const preferences = new Preferences()
