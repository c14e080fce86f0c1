import { home } from '../shared/storage'

/** Returns the address of one of the casino's own pages or resources, such as "verify". */
export const address = (of: string): string => home + of

/** Returns a part of an address, decoded; one that nobody can decode stays as it is, and names no table. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** What can be seen on the player's page. */
export type View = 'lobby' | 'table' | 'history'

/** Route is what of the page is seen, as its address says: /play is the lobby, /play/t/high-stakes a table, /play/history the player's history. */
export class Route {
  view = $state<View>('lobby')
  /** The room, at a table. */
  room = $state('')

  constructor() {
    this.#look()
    addEventListener('popstate', () => this.#look())
    // Links from before tables had addresses of their own, and links that are pasted into an open tab.
    addEventListener('hashchange', () => this.#look())
  }

  lobby = (): void => this.#go('play')
  history = (): void => this.#go('play/history')
  table = (room: string): void => this.#go(`play/t/${encodeURIComponent(room)}`)

  #go(to: string): void {
    if (address(to) !== location.pathname) history.pushState(null, '', address(to))
    this.#look()
    scrollTo(0, 0)
  }

  #look(): void {
    const room = new URLSearchParams(location.hash.slice(1)).get('room')
    if (room) history.replaceState(null, '', address(`play/t/${encodeURIComponent(room)}`))
    const [, what, name] = location.pathname.slice(home.length).split('/')
    this.room = what === 't' && name ? decoded(name) : ''
    this.view = this.room ? 'table' : what === 'history' ? 'history' : 'lobby'
  }
}
