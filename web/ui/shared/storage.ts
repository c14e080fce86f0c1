// What a browser keeps for a casino. Where several share a host, each has what its own pages kept and no other's.

/** Where the casino's pages are on their host: "/", or "/t/casino-x/" where casinos share one. The server says how deep a page is. */
export const home = typeof document === 'undefined' ? '/' : new URL('.', document.baseURI).pathname

/** Returns the name under which a casino's pages keep something. */
export const keyed = (name: string, casino = home): string => (casino === '/' ? name : `${name} ${casino}`)

/** Tab is what is kept as long as the tab is open. */
export const tab = {
  get: (name: string): string | undefined => sessionStorage.getItem(keyed(name)) ?? undefined,
  set: (name: string, value: string): void => sessionStorage.setItem(keyed(name), value),
  remove: (name: string): void => sessionStorage.removeItem(keyed(name)),
}

/** Returns what the browser keeps for good; undefined if it keeps nothing, or refuses to. */
export function remembered(name: string): string | undefined {
  try {
    return localStorage.getItem(keyed(name)) ?? undefined
  } catch {
    return undefined
  }
}

/** Keeps something in this browser, if it lets us. */
export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(keyed(name), value)
  } catch {
    // then it is asked again next time
  }
}
