// What tests of a round game's table need: a room that is joined over a socket of the test's own.
import { vi } from 'vitest'
import type { RoundTotals, RoundView, Stake } from '../client/src/round.js'
import { line, settle, welcome, Wire } from '../client/test/wire'
import type { TableRoom } from '../shared/games'
import { JoinedRoom } from './joined.svelte'
import { commandTimeoutMs, type Session } from './session.svelte'

/** Returns a stake. */
export const on = <P extends string>(position: P, amount: number): Stake<P> => ({ position, amount })

/** Starts a test: no sockets, nothing kept by the tab, and timers that go when they are told to. Tests end with vi.useRealTimers. */
export function begin(): void {
  Wire.all = []
  const kept = new Map<string, string>()
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value), removeItem: (key: string) => kept.delete(key),
  })
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
}

/** Joins a room whose view is given, as of seq 10. */
export async function join(view: RoundView<string>): Promise<JoinedRoom> {
  const to = line({ commandTimeoutMs })
  const session = {
    line: to, exponent: 2, welcome,
    get state() { return to.state },
    get silent() { return to.silent },
  } as unknown as Session
  await settle()
  Wire.last.open().push('session.welcome', welcome)
  const room = new JoinedRoom(session, 'r')
  await Wire.last.answer('room.join', { epoch: 1, seq: 10, view })
  await vi.advanceTimersByTimeAsync(0)
  return room
}

/** Joins a room and makes its table. */
export async function sit<T>(Table: new (room: TableRoom) => T, view: RoundView<string>): Promise<T> {
  const table = new Table(await join(view))
  await vi.advanceTimersByTimeAsync(0)
  return table
}

/** Tells an event of round 7. */
export function hear(seq: number, type: string, data: object, at = ''): void {
  Wire.last.push('room.event', { room: 'r', epoch: 1, seq, at, type, data: { round: 7, ...data } })
}

/** Returns the data of this player's own bet. */
export const mine = (...bets: Stake[]): object => ({ seat: 2, name: 'al***', sum: bets.reduce((n, b) => n + b.amount, 0), bets, mine: true })

/** Tells what all players have staked, as of an event. */
export function totals(seq: number, list: Stake[], round = 7): void {
  Wire.last.push('room.totals', { room: 'r', epoch: 1, seq, data: { round, totals: list } satisfies RoundTotals })
}
