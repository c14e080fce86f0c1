import { tab } from '../shared/storage'

const name = 'pitboss.platform.key'

/**
 * The platform's API key of this tab. It may come in the fragment of a link, which browsers do not send; it moves to the session
 * storage, and leaves the address bar.
 */
export function takeKey(): string | undefined {
  const fragment = new URLSearchParams(location.hash.slice(1))
  const key = fragment.get('key')
  if (key) {
    tab.set(name, key)
    fragment.delete('key')
    const rest = fragment.toString()
    history.replaceState(null, '', location.pathname + location.search + (rest ? `#${rest}` : ''))
  }
  return tab.get(name)
}

export const keepKey = (key: string): void => tab.set(name, key)

export const dropKey = (): void => tab.remove(name)

/** Returns the key of a link to the page, or of a text that is one; undefined if there is none. */
export function keyOf(link: string): string | undefined {
  const [text, fragment] = [link.trim(), link.split('#')[1]]
  const key = fragment === undefined ? text : new URLSearchParams(fragment.trim()).get('key')
  return key && /^pitboss_[0-9a-z]{10}_[0-9a-z]+$/.test(key) ? key : undefined
}
