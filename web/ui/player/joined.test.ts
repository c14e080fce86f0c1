// A room of whatever game, as the page is in it before and after its table is loaded.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { event, line, settle, welcome, Wire } from '../client/test/wire'
import { JoinedRoom } from './joined.svelte'
import type { Session } from './session.svelte'
import { begin } from './testing'

beforeEach(begin)
afterEach(() => vi.useRealTimers())

async function join(): Promise<{ room: JoinedRoom; log: string[]; listen: () => void }> {
  const session = { line: line() }
  await settle()
  Wire.last.open().push('session.welcome', welcome)
  const room = new JoinedRoom(session as unknown as Session, 'r')
  const log: string[] = []
  const listen = (): void => room.listen<unknown, ReturnType<typeof event>, string>({
    view: (_, place) => log.push(`v${place.seq}`), event: (e) => log.push(`e${e.seq}`), totals: (t, seq) => log.push(`t${seq}:${t}`),
  })
  return { room, log, listen }
}

test('a table that comes late is told the last view and what followed it, and then what comes', async () => {
  const { room, log, listen } = await join()
  expect(room.viewed).toBe(false)
  await Wire.last.answer('room.join', { epoch: 1, seq: 10, view: { game: 'g' } })
  Wire.last.push('room.event', event(11))
  Wire.last.push('room.resync', { room: 'r', epoch: 1, seq: 20, view: { game: 'g' } })
  Wire.last.push('room.event', event(21)).push('room.totals', { room: 'r', epoch: 1, seq: 21, data: 'x' })
  expect([room.viewed, room.game, log]).toEqual([true, 'g', []])
  listen()
  expect(log).toEqual(['v20', 'e21', 't21:x'])
  Wire.last.push('room.event', event(22))
  expect(log.at(-1)).toBe('e22')
})

test('a refusal is told in words until the next command', async () => {
  const { room } = await join()
  await Wire.last.answer('room.join', { epoch: 1, seq: 10, view: {} })
  const refused = room.command({ type: 'x' })
  await Wire.last.refuse('room.command', 'insufficient_funds')
  expect([await refused, room.message]).toEqual([expect.objectContaining({ code: 'insufficient_funds' }), 'Your balance does not cover this bet.'])
  const accepted = room.command({ type: 'x' })
  expect(room.message).toBe('')
  await Wire.last.answer('room.command', { accepted: true, epoch: 1, seq: 11, balance: 5 })
  expect(await accepted).toMatchObject({ accepted: true, balance: 5 })
})

test('a line of chat is sent once, however often it is sent before there is an answer', async () => {
  const { room } = await join()
  await Wire.last.answer('room.join', { epoch: 1, seq: 10, view: {} })
  room.draft = 'hello'
  const first = room.say()
  await room.say()
  expect(Wire.last.of('chat.send').length).toBe(1)
  await Wire.last.refuse('chat.send', 'rate_limited')
  await first
  expect(room.draft).toBe('hello')
  void room.say()
  expect(Wire.last.of('chat.send').length).toBe(2)
})

test('a room that is gone says so', async () => {
  const { room } = await join()
  await Wire.last.refuse('room.join', 'room_not_found')
  expect(room.gone).toBe('This table is not there any more.')
})

test('who comes back before all was answered is told so, once', async () => {
  const { room } = await join()
  await Wire.last.answer('room.join', { epoch: 1, seq: 10, view: {} })
  void room.command({ type: 'x' })
  const left = 'You left this table before your last bet was answered. The table and your balance show whether it counted.'
  expect([room.message, (await join()).room.message, (await join()).room.message]).toEqual(['', left, ''])
})

test('who comes back after all was answered is told nothing', async () => {
  const { room } = await join()
  await Wire.last.answer('room.join', { epoch: 1, seq: 10, view: {} })
  const accepted = room.command({ type: 'x' })
  await Wire.last.answer('room.command', { accepted: true, epoch: 1, seq: 11, balance: 5 })
  await accepted
  expect((await join()).room.message).toBe('')
})

test('who comes back after the connection was closed for good under a bet is told so', async () => {
  const { room } = await join()
  await Wire.last.answer('room.join', { epoch: 1, seq: 10, view: {} })
  const end = room.command({ type: 'x' })
  Wire.last.end(4500)
  expect(await end).toMatchObject({ code: 'disconnected' })
  expect((await join()).room.message).toMatch(/^You left this table before your last bet was answered\./)
})

test('a room that was left tells nothing any more', async () => {
  const { room, log, listen } = await join()
  await Wire.last.answer('room.join', { epoch: 1, seq: 10, view: {} })
  room.leave()
  Wire.last.push('room.event', event(11))
  listen()
  expect(log).toEqual([])
  expect(Wire.last.of('room.leave').length).toBe(1)
})
