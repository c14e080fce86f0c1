import { tab } from './storage'

const key = 'pitboss.token'
const startKey = 'pitboss.start'
/** Where the player's page keeps the rooms that have not answered everything. */
export const unansweredKey = 'pitboss.unanswered'

/**
 * The token of this tab. It comes in the fragment of a link, which browsers do not send, moves
 * to the session storage, and leaves the address bar. A session starts with it.
 */
export function takeToken(): string | undefined {
  const fragment = new URLSearchParams(location.hash.slice(1))
  const token = fragment.get('token')
  if (token) {
    dropToken()
    keepToken(token)
    fragment.delete('token')
    const rest = fragment.toString()
    history.replaceState(null, '', location.pathname + location.search + (rest ? `#${rest}` : ''))
  }
  return tab.get(key)
}

/** Keeps a token in this tab instead of the one that it has. */
export function keepToken(token: string): void {
  tab.set(key, token)
}

/** Returns the token of a link to a page, or of a text that is one; undefined if there is none. */
export function tokenOf(link: string): string | undefined {
  const [text, fragment] = [link.trim(), link.split('#')[1]]
  const token = fragment === undefined ? text : new URLSearchParams(fragment.trim()).get('token')
  return token && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token) ? token : undefined
}

export function dropToken(): void {
  tab.remove(key)
  tab.remove(startKey)
  tab.remove(unansweredKey)
}

/** When the session began, and with how much, once that is known. A reload does not change it. */
export interface Start {
  at: number
  balance?: number
}

export function sessionStart(): Start {
  const kept = tab.get(startKey)
  if (kept) return JSON.parse(kept) as Start
  const start = { at: Date.now() }
  keepStart(start)
  return start
}

export function keepStart(start: Start): void {
  tab.set(startKey, JSON.stringify(start))
}
