/** Column is a column of a list. */
export interface Column<T> {
  /** Its name, which is the API's where that sorts by it. */
  id: string
  title: string
  text(row: T): string
  /** How wide it is; without, it has what the others leave. */
  width?: string
  number?: boolean
  /** Whether the API sorts by it. */
  sorts?: boolean
  /** Whether it is always shown. */
  stays?: boolean
}

/**
 * Filter is a field that a list is chosen by: amounts and times by where they lie, ids by their beginning, others by what they are: a text, or one
 * of the values that there are.
 */
export interface Filter {
  field: string
  title: string
  kind: 'prefix' | 'money' | 'time' | 'text' | 'choice'
  /** The values of a choice, with what they are called. */
  values?: readonly (readonly [value: string, title: string])[]
}

/** Returns the parameters of the API that a filter sets. */
export const namesOf = ({ field, kind }: Filter): string[] => (kind === 'prefix' ? [`${field}.prefix`] : kind === 'money' || kind === 'time' ? [`${field}.gte`, `${field}.lt`] : [field])

/** Returns the query of the API for what a list is chosen and sorted by. Filters that it does not have are left out. */
export function queryOf(filters: readonly Filter[], values: Readonly<Record<string, string>>, sort: string, columns: readonly { id: string; sorts?: boolean }[]): string {
  const query = new URLSearchParams()
  for (const name of filters.flatMap(namesOf)) if (values[name]) query.set(name, values[name])
  if (columns.some((c) => c.sorts && c.id === sort.replace(/^-/, ''))) query.set('sort', sort)
  return query.toString()
}

/** Returns the order after one by a column: upwards, downwards, and then as the list comes. */
export const sortAfter = (sort: string, id: string): string => (sort === id ? `-${id}` : sort === `-${id}` ? '' : id)
