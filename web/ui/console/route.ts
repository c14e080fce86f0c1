import { home } from '../shared/storage'

/** The page that this is of: "console", or "platform". */
export const page = globalThis.location?.pathname.slice(home.length).split('/')[0] || 'console'

/** Place is what is seen of the console: all of it is in the address. */
export interface Place {
  /** The page, such as "players", and the one thing that it is about, if it is. */
  section: string
  id: string
  /** What a list is chosen and sorted by, in the words of the API: {"balance.gte": "100"}, "-balance". */
  filters: Readonly<Record<string, string>>
  sort: string
  /** The columns of a list that are not shown. */
  hidden: readonly string[]
  /** The cursor of the page that a list begins with; empty for the first. */
  from: string
  /** What the drawer shows. */
  open: string
  /** The dialog that is open, and what it is about. */
  action: string
  on: string
}

export const nowhere: Place = { section: '', id: '', filters: {}, sort: '', hidden: [], from: '', open: '', action: '', on: '' }

/** Names in the query that are not filters. The API has no fields of these names. */
const own = { sort: 'sort', hidden: 'hide', from: 'from', open: 'open', action: 'do', on: 'on', id: 'id' } as const
const reserved: ReadonlySet<string> = new Set(Object.values(own))

/** Browsers resolve these in a path, also when they are encoded. */
const dots = /^\.\.?$/

/** Returns the address of a place below the casino's home: "console/players?sort=-balance". */
export function addressOf(place: Partial<Place>): string {
  const p = { ...nowhere, ...place }
  const query = new URLSearchParams()
  const put = (name: string, value: string): void => {
    if (value) query.set(name, value)
  }
  for (const [name, value] of Object.entries(p.filters)) if (!reserved.has(name)) put(name, value)
  put(own.sort, p.sort)
  put(own.hidden, p.hidden.join(','))
  put(own.from, p.from)
  put(own.open, p.open)
  put(own.action, p.action)
  put(own.on, p.on)
  if (dots.test(p.id)) put(own.id, p.id)
  const path = [page, ...[p.section, dots.test(p.id) ? '' : p.id].filter((part) => part).map(encodeURIComponent)].join('/')
  const text = query.toString()
  return path + (text ? `?${text}` : '')
}

/** Returns a part of a path, decoded; one that cannot be decoded stays as it is, and names nothing. */
function decoded(part = ''): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** Returns the place of an address below the casino's home. */
export function placeAt(address: string): Place {
  const [path = '', text = ''] = address.split('?', 2)
  const [, section, id] = path.split('/')
  const query = new URLSearchParams(text)
  const get = (name: string): string => query.get(name) ?? ''
  return {
    section: decoded(section), id: get(own.id) || decoded(id),
    filters: Object.fromEntries([...query].filter(([name, value]) => value && !reserved.has(name))),
    sort: get(own.sort), hidden: get(own.hidden).split(',').filter((c) => c), from: get(own.from), open: get(own.open), action: get(own.action), on: get(own.on),
  }
}

/** Where the sections were when they were named in the fragment. */
const former: Readonly<Record<string, string>> = { rooms: 'tables', connections: 'connections', players: 'players', promotions: 'promotions', audit: 'audit', ledger: 'money' }

/** Returns the section that a fragment named: of links from before sections had paths. */
export const sectionOf = (hash: string): string | undefined => former[hash.replace(/^#/, '')]
