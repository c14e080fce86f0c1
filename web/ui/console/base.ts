import { createContext } from 'svelte'
import type { State } from '../client/src/index.js'
import type { Api, Call } from './api'
import type { Route } from './route.svelte'
import type { Section } from './sections'

/** Base is what the frame, the lists and the dialogs work with, in the operator's console and in the platform's. */
export interface Base {
  readonly api: Api
  readonly route: Route
  readonly sections: readonly Section[]
  /** Who is signed in, and where; undefined until that is known. */
  readonly me: { name: string; tenant_name: string } | undefined
  /** Why it is not known. */
  readonly error: string
  readonly state: State
  /** How many are connected, where that is known. */
  readonly online?: number
  /** How many things wait in a section, by its id. */
  readonly counts?: Readonly<Record<string, number>>
  /** What was done last, in words. */
  said: string
  /** What waits until somebody signs in again, if something does. */
  readonly waiting: object | undefined
  /** Whether single keys do something. */
  keys: boolean
  /** Of amounts. */
  readonly exponent: number
  readonly currency: string
  do<T>(call: Call<T>): Promise<T>
  /** Calls reload now and whenever what a path of the API lists may have changed, until the returned function is called: after so many milliseconds where that is not signalled. */
  follow(path: string, reload: () => Promise<unknown>, pace: number): () => void
  signOut(): void
}

/** The base of the page, for all that is on it. */
export const [useBase, setBase] = createContext<Base>()
