import { createContext } from 'svelte'
import { PitbossError, Pitboss, type Presence, type State, type Watchable } from '../client/src/index.js'
import { formatMoney } from '../shared/money'
import { remember, remembered } from '../shared/storage'
import { dropToken, keepToken } from '../shared/token'
import { Api, type Call, calls } from './api'
import { Live } from './live'
import { Route } from './route.svelte'
import { inWords } from './words'

type Me = NonNullable<ReturnType<typeof calls.session>['answer']>

/** Desk is what all pages of the console work with: who is signed in, the API, the connection, and the place that is seen. */
export class Desk {
  readonly api: Api
  readonly route = new Route()
  /** Who is signed in, and where; undefined until that is known. */
  me = $state.raw<Me>()
  /** Why it is not known. */
  error = $state('')
  state = $state.raw<State>({ is: 'connecting' })
  presence = $state.raw<Presence>()
  /** What was done last, in words. */
  said = $state('')
  /** Whether a fresh link was asked for, and not given. */
  signedOut = $state(false)
  /** What waits for a fresh link, if something does. */
  waiting = $state.raw<{ why: string; give: (token: string) => void; giveUp: () => void }>()
  #keys = $state(remembered('pitboss.console.keys') !== 'off')
  #line: Pitboss | undefined
  readonly #live = new Live({ watch: (of) => this.#line?.watch(of), on: () => this.#line?.watches ?? false })
  #fresh: Promise<string> | undefined

  constructor(token: string) {
    this.api = new Api(token, (method) => this.freshToken('token_expired', method !== 'GET'))
    this.#connect(token)
    // When the casino itself changes, as by a maintenance, all kinds are signalled.
    this.live(['brand'], async () => {
      try {
        this.me = await this.api.do(calls.session())
        this.error = ''
      } catch (err) {
        this.error = inWords(err)
      }
      return this.error === ''
    })
  }

  /** Calls reload now and whenever something of these kinds has changed, until the returned function is called; see Live. */
  live = (of: readonly Watchable[], reload: () => Promise<unknown>): (() => void) => this.#live.add(of, reload)

  /** Whether single keys do something. */
  get keys(): boolean {
    return this.#keys
  }

  set keys(on: boolean) {
    this.#keys = on
    remember('pitboss.console.keys', on ? 'on' : 'off')
  }

  get exponent(): number {
    return this.me?.exponent ?? 2
  }

  get currency(): string {
    return this.me?.currency ?? ''
  }

  /** Whether the role may change things. */
  get writes(): boolean {
    return this.me?.role === 'operator' || this.me?.role === 'service'
  }

  money = (minor: number): string => formatMoney(minor, this.exponent)
  withCurrency = (minor: number): string => formatMoney(minor, this.exponent, this.currency)
  do = <T>(call: Call<T>): Promise<T> => this.api.do(call)

  /**
   * Asks for a link with a token that is good, over whatever is on the page. Whatever waits for one gets the same. Once none was
   * given, it asks again only for what a person does.
   */
  freshToken(why: string, again = false): Promise<string> {
    if (again) this.signedOut = false
    if (this.signedOut) return Promise.reject(new PitbossError('token_expired', ''))
    this.#fresh ??= new Promise<string>((resolve, reject) => {
      const over = (): void => {
        this.#fresh = this.waiting = undefined
      }
      this.waiting = {
        why,
        give: (token) => {
          over()
          this.signedOut = false
          keepToken(token)
          this.api.token = token
          this.#connect(token)
          resolve(token)
        },
        giveUp: () => {
          over()
          this.signedOut = true
          reject(new PitbossError('token_expired', ''))
        },
      }
    })
    return this.#fresh
  }

  /** Goes on where the connection ended for good, or where no fresh link was given. */
  connectAgain(): void {
    const { state } = this
    if (!this.signedOut && state.is === 'stopped' && !signsOut(state.reason)) return location.reload()
    this.freshToken(state.is === 'stopped' ? state.reason : 'token_expired', true).catch(() => undefined)
  }

  signOut = (): void => {
    dropToken()
    location.reload()
  }

  #connect(token: string): void {
    this.#line?.close()
    const line = new Pitboss({ url: new URL('.', document.baseURI).href, token })
    this.#line = line
    line.on('state', (s) => {
      if (line !== this.#line) return
      this.state = s
      if (s.is === 'stopped' && signsOut(s.reason)) this.freshToken(s.reason).catch(() => undefined)
    })
    line.on('presence', (p) => (this.presence = p))
    line.on('changed', (of) => this.#live.changed(of))
    line.watch(this.#live.watched)
    line.connect()
  }
}

/** Reports whether a connection ended because its token is not good any more. */
const signsOut = (reason: string): boolean => reason.startsWith('token_') || reason === 'revoked'

/** The desk of the page, for all that is on it. */
export const [useDesk, setDesk] = createContext<Desk>()
