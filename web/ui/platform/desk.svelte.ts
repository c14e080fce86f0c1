import { createContext } from 'svelte'
import { PitbossError, type State } from '../client/src/index.js'
import { Api, type Call } from '../console/api'
import type { Base } from '../console/base'
import { every } from '../console/page'
import { Route } from '../console/route.svelte'
import { m } from '../shared/messages'
import { remember, remembered } from '../shared/storage'
import { inWords } from '../console/words'
import { calls } from './api'
import { dropKey, keepKey } from './key'
import { sections } from './sections'

export type Key = NonNullable<ReturnType<typeof calls.session>['answer']>

/** Desk is what all pages of the platform's console work with: the key that is signed in, the API, and the place that is seen. */
export class Desk implements Base {
  readonly api: Api
  readonly route = new Route(sections[0]!.id)
  readonly sections = sections
  readonly exponent = 2
  readonly currency = ''
  error = $state('')
  state = $state.raw<State>({ is: 'open' })
  said = $state('')
  /** What waits for another key, if something does. */
  waiting = $state.raw<{ give: (key: string) => void; giveUp: () => void }>()
  /** Whether another key was asked for, and not given. */
  signedOut = $state(false)
  #key = $state.raw<Key>()!
  #keys = $state(remembered('pitboss.console.keys') !== 'off')
  #fresh: Promise<string> | undefined

  constructor(text: string, key: Key) {
    this.#key = key
    this.api = new Api(text, (method) => this.freshKey(method !== 'GET'))
    every(10_000, async () => {
      try {
        this.#key = await this.do(calls.session())
        this.state = { is: 'open' }
      } catch (err) {
        this.error = inWords(err)
        this.state = { is: 'reconnecting', inMs: 10_000, reason: this.error }
      }
    })
  }

  get me(): { name: string; tenant_name: string } {
    return { name: this.#key.name, tenant_name: m.platform_name() }
  }

  follow(_: string, reload: () => Promise<unknown>, pace: number): () => void {
    return every(pace, reload)
  }

  get keys(): boolean {
    return this.#keys
  }

  set keys(on: boolean) {
    this.#keys = on
    remember('pitboss.console.keys', on ? 'on' : 'off')
  }

  /** Reports whether the key has a scope. */
  may = (scope: string): boolean => this.#key.scopes.includes(scope)
  do = <T>(call: Call<T>): Promise<T> => this.api.do(call)

  signOut = (): void => {
    dropKey()
    location.reload()
  }

  /**
   * Asks for a key that is good, over whatever is on the page. Whatever waits for one gets the same. Once none was given, it asks
   * again only for what a person does.
   */
  freshKey(again = false): Promise<string> {
    if (again) this.signedOut = false
    const none = new PitbossError('key_missing', m.platform_key_ended())
    if (this.signedOut) return Promise.reject(none)
    this.#fresh ??= new Promise<string>((resolve, reject) => {
      const over = (signedOut: boolean): void => {
        this.#fresh = this.waiting = undefined
        this.signedOut = signedOut
      }
      this.waiting = {
        give: (text) => {
          over(false)
          keepKey(text)
          this.api.token = text
          this.state = { is: 'open' }
          resolve(text)
        },
        giveUp: () => {
          over(true)
          reject(none)
        },
      }
    })
    return this.#fresh
  }
}

/** Returns what a key is. It fails for one that is none. */
export async function look(text: string): Promise<Key> {
  const key = await new Api(text).do(calls.session())
  if (!key.scopes.includes('tenants:read')) throw new PitbossError('no_read', m.platform_key_reads_nothing())
  return key
}

/** The desk of the page, for all that is on it. */
export const [useDesk, setDesk] = createContext<Desk>()
