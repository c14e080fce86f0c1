import { inOrder } from '../shared/locale'
import type { IconName } from './frame/Icon.svelte'
import type { Place } from './route'

/** The groups of the operator's palette. */
export type Kind = 'page' | 'player' | 'table' | 'promotion' | 'action'

/** Entry is something that the palette finds. */
export interface Entry<K extends string = Kind> {
  id: string
  /** Which group of the palette it is in. */
  kind: K
  title: string
  /** What else it is found by. */
  also?: string
  /** What is shown beside its title. */
  beside?: string
  /** Where it leads, or what it does. */
  to: Partial<Place> | (() => void)
}

/** Verb is an action on one thing of a kind, such as "Credit alice". */
export interface Verb {
  id: string
  of: 'player' | 'table' | 'promotion'
  /** Its name, as people may type it: "credit". */
  word: string
  title(name: string): string
  to(id: string): Partial<Place>
}

/** Group is what a palette shows of a kind. */
export interface Group<K extends string = Kind> {
  kind: K
  name: string
  icon: IconName
  entries: readonly Entry<K>[]
}

/** Returns the groups of entries that are not empty, each with no more than most. */
export const grouped = <K extends string>(list: readonly Entry<K>[], groups: readonly Omit<Group<K>, 'entries'>[], most: number): Group<K>[] =>
  groups.map((g) => ({ ...g, entries: list.filter((e) => e.kind === g.kind).slice(0, most) })).filter((g) => g.entries.length > 0)

const wordsOf = (text: string): string[] => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().split(/[\s“”„«»"]+/).filter((w) => w)

/** Returns the entries of which every word that was typed begins one; those first of which it begins the name itself. */
export function found<K extends string = Kind>(entries: readonly Entry<K>[], typed: string): Entry<K>[] {
  const words = wordsOf(typed)
  const rank = (e: Entry<K>): number => {
    const title = wordsOf(e.title)
    const all = [...title, ...wordsOf(e.also ?? '')]
    if (!words.every((w) => all.some((a) => a.startsWith(w) || a.split(/[-_.]/).some((part) => part.startsWith(w))))) return -1
    return title[0]?.startsWith(words[0] ?? '') ? 0 : 1
  }
  return entries.map((e) => [rank(e), e] as const).filter(([r]) => r >= 0).sort(([a, x], [b, y]) => a - b || (x.kind === y.kind ? inOrder(x.title, y.title) : 0)).map(([, e]) => e)
}

/** Returns what of a typed text may be the beginning of a player's id: the words that begin no verb, as they were typed; else the last. */
export function idTyped(typed: string, verbs: readonly Verb[]): string {
  const words = typed.trim().split(/\s+/)
  return words.find((w) => !verbs.some((v) => v.of === 'player' && wordsOf(v.word).some((part) => part.startsWith(wordsOf(w)[0] ?? '')))) ?? words.at(-1) ?? ''
}

/** Returns what can be done with a thing. */
export const actionsOn = (verbs: readonly Verb[], of: Verb['of'], id: string, name: string): Entry[] =>
  verbs.filter((v) => v.of === of).map((v) => ({ id: `${v.id} ${id}`, kind: 'action', title: v.title(name), also: `${v.word} ${id}`, to: v.to(id) }))
