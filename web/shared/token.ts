const key = 'pitboss.token'

/**
 * The token of this tab. It comes in the fragment of a link, which browsers do not send, moves
 * to the session storage, and leaves the address bar.
 */
export function takeToken(): string | undefined {
  const fragment = new URLSearchParams(location.hash.slice(1))
  const token = fragment.get('token')
  if (token) {
    sessionStorage.setItem(key, token)
    fragment.delete('token')
    const rest = fragment.toString()
    history.replaceState(null, '', location.pathname + location.search + (rest ? `#${rest}` : ''))
  }
  return sessionStorage.getItem(key) ?? undefined
}

export function dropToken(): void {
  sessionStorage.removeItem(key)
}
