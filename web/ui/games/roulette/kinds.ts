import { m } from '../../shared/messages'

/** The kinds of positions: how many numbers each covers, and the name by which a table's settings limit it. */
export const kinds = [
  { id: 'straight', covers: 1 },
  { id: 'split', covers: 2 },
  { id: 'trio', covers: 3 },
  { id: 'street', covers: 3 },
  { id: 'corner', covers: 4 },
  { id: 'first_four', covers: 4 },
  { id: 'line', covers: 6 },
  { id: 'dozen', covers: 12 },
  { id: 'column', covers: 12 },
  { id: 'even_money', covers: 18 },
] as const

/** Returns the name of a kind. */
export const sayKind = (id: (typeof kinds)[number]['id']): string => m[`roulette_kind_${id}`]()
