import type { RoomInfo } from '../client/src/index.js'

/** What a player looks for in the lobby. */
export interface Wanted {
  /** Beginnings of words in the table's name, in its id or in its game's name; empty for anything. */
  text: string
  /** The game, or empty for all. */
  game: string
  /** What is to be staked on a position, in minor units; undefined for anything. */
  stake: number | undefined
  /** The rooms among which it must be, if only those are wanted. */
  only?: readonly string[]
}

/** Returns the words of a text, without case and accents. */
const wordsOf = (s: string): string[] => s.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().split(/[\s_-]+/).filter((w) => w)

/** Returns the rooms that are wanted; titleOf says how a game is called on the page. A room that does not say what may be staked fits every stake. */
export function found(rooms: readonly RoomInfo[], { text, game, stake, only }: Wanted, titleOf = (_game: string): string => ''): RoomInfo[] {
  const words = wordsOf(text)
  return rooms.filter((r) => {
    const { min_bet, max_bet } = r.settings as { min_bet?: unknown; max_bet?: unknown }
    const fits = stake === undefined || ((typeof min_bet !== 'number' || min_bet <= stake) && (typeof max_bet !== 'number' || max_bet >= stake))
    const named = wordsOf(`${r.name} ${r.room} ${r.game} ${titleOf(r.game)}`)
    return fits && (!game || r.game === game) && words.every((w) => named.some((n) => n.startsWith(w))) && (!only || only.includes(r.room))
  })
}
