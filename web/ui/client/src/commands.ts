import { pause } from './backoff.js'
import { type CommandResult, PitbossError, retryCodes } from './protocol.js'

interface Command {
  room: string
  id: string
  body: string // as it was first sent: under the same id, the server refuses another
  promise: Promise<CommandResult>
  resolve(result: CommandResult): void
  reject(err: PitbossError): void
  attempt: number
  flying: boolean // sent over this socket, and not answered yet
  deadline: ReturnType<typeof setTimeout>
  retry?: ReturnType<typeof setTimeout>
}

/** How a command gets to its room; undefined while it cannot. */
type Send = (room: string, id: string, command: object) => Promise<unknown> | undefined

/**
 * Commands holds what was not answered yet. Each is sent again, under its own id, until there is
 * an answer or its time is up; its promise is settled once.
 */
export class Commands {
  #open = new Map<string, Command>()

  constructor(private readonly send: Send) {}

  add(room: string, command: object, id: string, timeoutMs: number): Promise<CommandResult> {
    const body = JSON.stringify(command)
    const known = this.#open.get(id)
    if (known?.body === body && known.room === room) return known.promise
    if (known) return Promise.reject(new PitbossError('command_id_reused', 'Another command has this id.'))
    const { promise, resolve, reject } = promiseWithResolvers<CommandResult>()
    const c: Command = {
      room, id, body, promise, resolve, reject, attempt: 0, flying: false,
      deadline: setTimeout(() => this.#fail(c, new PitbossError('timeout', 'Nobody answered in time. The table shows what counted.')), timeoutMs),
    }
    this.#open.set(id, c)
    this.#try(c)
    return promise
  }

  /** The room was joined: what is open is sent at once. */
  flush(room: string): void {
    for (const c of [...this.#open.values()]) if (c.room === room && !c.flying) this.#try(c)
  }

  /** Gives up what nobody is asked about any more; of all rooms if none is named. */
  fail(err: PitbossError, room?: string): void {
    for (const c of [...this.#open.values()]) if (room === undefined || (c.room === room && !c.flying)) this.#fail(c, err)
  }

  #try(c: Command): void {
    clearTimeout(c.retry)
    const answer = this.send(c.room, c.id, JSON.parse(c.body) as object)
    if (!answer) return // flush comes when the room is joined
    c.flying = true
    answer.then(
      (result) => this.#end(c, () => c.resolve(result as CommandResult)),
      (err: PitbossError) => {
        c.flying = false
        if (!this.#open.has(c.id)) return
        if (err.code === 'disconnected' || err.code === 'not_joined') this.#try(c) // waits for the room
        else if (retryCodes.has(err.code)) c.retry = setTimeout(() => this.#try(c), pause(c.attempt++))
        else this.#fail(c, err)
      },
    )
  }

  #fail(c: Command, err: PitbossError): void {
    this.#end(c, () => c.reject(err))
  }

  #end(c: Command, settle: () => void): void {
    if (!this.#open.delete(c.id)) return
    clearTimeout(c.deadline)
    clearTimeout(c.retry)
    settle()
  }
}

// Promise.withResolvers is younger than some phones.
function promiseWithResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (err: PitbossError) => void } {
  let resolve!: (value: T) => void
  let reject!: (err: PitbossError) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
