// The contract of a game's browser folder. A new game is one folder, web/ui/games/<name>, whose
// game.ts has a Game as its default export: it is found by the glob at the end of this file, and
// each page loads of it what it shows, when it shows it. No other file of the pages or of the SDK
// names a game; a test holds them to it.
//
// A folder may use what is in shared, what is in player and in verify for all games (README.md in
// web/ui/games lists it) and the SDK. The SDK exports its sdk.ts as @pitboss/client/games/<name>.
import { loadMessages } from './messages'
import type { Component, Snippet } from 'svelte'
import type { CommandResult, PitbossError, Place, RoomEvent, RoomHandlers } from '../client/src/index.js'

/** Game is what the pages know of a game. It is small: what a page draws comes by the functions that load it. */
export interface Game {
  /** The game's name on the server, and its folder's. */
  readonly name: string
  /** Its name for people. */
  title(): string
  /** The types of its events, as its journal and its sockets have them. */
  readonly events: readonly string[]
  /** Labels of the game's settings for the console, by message key; of one key of a "moneys" setting by "message.key". */
  readonly words: Readonly<Record<string, string>>
  /** Says in a few words what a room's settings make of the game. Settings come as the server has them. */
  describe(settings: Readonly<Record<string, unknown>>, money: (minor: number) => string): Description
  /** Loads what the lobby's card shows of the game. */
  card(): Promise<Component<CardProps>>
  /** Loads the table. */
  table(): Promise<Component<TableProps>>
  /** Loads what recomputes a round. */
  verifier(): Promise<Verifier>
}

/** Description is what a room's settings make of its game. */
export interface Description {
  /** What may be staked: "1.00–1000.00". */
  limits: string
  /** How fast it goes: "15 s to bet". */
  pace?: string
  /** What is not as usual: an option of the rules. */
  variant?: string
}

/** What a lobby card's component is given. It draws around its children, which are the texts that every card has. */
export interface CardProps {
  /** What the game's tables say of themselves to the lobby; undefined if this one has not yet. It changes at most once a second. */
  brief: unknown
  children: Snippet
}

/** What a table's component is given. */
export interface TableProps {
  room: TableRoom
  /** The room's name for people. */
  name: string
  /** The time in this browser, anew every second: what depends on the server's clock is looked at again with it. */
  now: number
  /** The room's chat, for the drawer. */
  chat: Snippet
  /** Where else one can play: shown once the table is closed. */
  elsewhere: Snippet
}

/** TableRoom is a room that the player's page has joined, as its table sees it. What it tells is reactive. */
export interface TableRoom {
  readonly room: string
  /** How many digits of the currency come after the point. */
  readonly exponent: number
  /** Whether the connection is open, and something comes over it: else nothing is to be given to it. */
  readonly connected: boolean
  /** Whether the connection is open, and nobody answers over it. */
  readonly silent: boolean
  /** Whether this is one of the operator's people, who may watch but not play. */
  readonly observer: boolean
  /** What went wrong last, in words; the table shows it and may set it. */
  message: string
  /** Returns how the game calls a position; the table sets it. */
  position: (id: string) => string
  /** Returns an error in words for people, with the table's own words. */
  words(err: unknown): string
  /** Returns the server's clock, in milliseconds since 1970. */
  serverNow(): number
  /** Tells the table what the room tells, from its last view on. That view has come: it is told before listen returns. */
  listen<View, Event extends RoomEvent, Totals = unknown>(table: TableHandlers<View, Event, Totals>): void
  /** Gives a command. What comes of it is told by events; an error is put into message, and is the result. */
  command(command: object): Promise<CommandResult | PitbossError>
  /** Keeps in mind, also when the page is closed, that this player has a stake in a round whose outcome was not seen yet. */
  staked(round: number): void
  /** Says that the outcome of a round was seen. */
  seen(round: number): void
  /** Says which round is played now: the outcome of an earlier one that was missed is looked up, and is in missed then. */
  playing(round: number): void
  /** What came of a round with this player's stake while the page did not see it. */
  readonly missed: MissedRound | undefined
}

/** What came of a round. Amounts are in minor units. */
export interface MissedRound {
  round: number
  state: 'settled' | 'void'
  staked: number
  /** What was paid, and what was given back. */
  payout: number
}

/** TableHandlers are what a table does with what its room tells; see the SDK's RoomHandlers. */
export interface TableHandlers<View, Event, Totals> extends Pick<RoomHandlers<View, Event, Totals>, 'totals'> {
  view(view: View, place: Place): void
  event(event: Event): void
}

/** A round as /verify has it: as the API gives it, or as somebody pasted it. */
export interface Round {
  room?: string
  round: number
  /** Its events in everyone's form, in order. What they hold is claimed, not checked. */
  events: readonly StoredEvent[]
  /** The round's own members, as they were pasted: they stand for events that are missing. */
  claims: Readonly<Record<string, unknown>>
  /** The first commitment that is shown, 64 hexadecimal digits. */
  commitment: string
  /** The seed that is shown, 64 hexadecimal digits. */
  seed: string
  /** The first round that the seed decided: an earlier one if it serves several rounds, else this one. */
  since: number
  /** The event of a later round that showed the seed, if no event of this one did. */
  revealedBy?: StoredEvent
}

export interface StoredEvent {
  type: string
  data: Readonly<Record<string, unknown>>
}

/** Step is one thing that was checked, in words. What is shown and computed may be a hash, a number or another value as it is in the round. */
export interface Step {
  what: string
  shown: string
  computed: string
  ok: boolean
}

/** Finding is what a game's verifier says of a round. What Work is, only the verifier and its component know. */
export interface Finding<Work = any> {
  /** The outcome in words, and whether the round claims it; else it is what follows from the seed. */
  outcome: { what: string; value: string; claimed: boolean }
  /** What was checked of the game. That the seed is the committed one is checked for all games alike. */
  steps: Step[]
  /** How the outcome was computed, for the component that explains it. */
  work: Work
}

/** Verifier recomputes a round of its game, written from the protocol's documentation and not from the server's code. */
export interface Verifier<Work = any> {
  /** Recomputes the outcome from the seed, and the sums. Throws a sentence if the round cannot be read. */
  verify(round: Round): Finding<Work>
  /** Explains the computation. */
  explain: Component<{ round: Round; work: Work }>
}

const folders = import.meta.glob<Game>('../games/*/game.ts', { import: 'default' })
const loaders = new Map(Object.entries(folders).map(([path, load]) => [path.split('/').at(-2)!, load]))

/** The names of the games that the pages know, in order. */
export const gameNames: readonly string[] = [...loaders.keys()].sort()

const loaded = new Map<string, Promise<unknown>>()

/** Returns what make makes, the first time; what could not be made is tried again. */
function once<T>(key: string, make: () => Promise<T>): Promise<T> {
  const known = loaded.get(key) as Promise<T> | undefined
  if (known) return known
  const made = make().catch((err: unknown) => {
    loaded.delete(key)
    throw err
  })
  loaded.set(key, made)
  return made
}

/** Loads a game; undefined if the pages do not know it. */
export function loadGame(name: string): Promise<Game | undefined> {
  return once(name, async () => {
    const load = loaders.get(name)
    return load && (await Promise.all([load(), loadMessages(name)]))[0]
  })
}

/** Loads one part of a game: its card, its table or its verifier; undefined if the pages do not know the game. */
export function loadPart<P extends 'card' | 'table' | 'verifier'>(name: string, part: P): Promise<{ game: Game; part: Awaited<ReturnType<Game[P]>> } | undefined> {
  return once(`${name} ${part}`, async () => {
    const game = await loadGame(name)
    return game && { game, part: (await game[part]()) as Awaited<ReturnType<Game[P]>> }
  })
}
