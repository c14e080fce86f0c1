// What a room tells beside its events: totals that replace each other, and views that replace everything.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Pitboss } from '../src/index.js'
import { event, line, settle, welcome, Wire } from './wire.js'

beforeEach(() => {
  Wire.all = []
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
})
afterEach(() => vi.useRealTimers())

/** A room at seq 10. What it tells is written down: v10 a view, e11 an event, t11:x totals. */
async function told(p: Pitboss = line()): Promise<string[]> {
  await settle()
  Wire.last.open().push('session.welcome', welcome)
  const log: string[] = []
  p.join<unknown, { seq: number }, object, string>('r', {
    view: (_, place) => log.push(`v${place.seq}`),
    event: (e) => log.push(`e${e.seq}`),
    totals: (t, seq) => log.push(`t${seq}:${t}`),
  })
  await Wire.last.answer('room.join', { epoch: 1, seq: 10, view: {} })
  return log
}

const total = (seq: number, data: string): Wire => Wire.last.push('room.totals', { room: 'r', epoch: 1, seq, data })
const events = (...seqs: number[]): void => seqs.forEach((seq) => Wire.last.push('room.event', event(seq)))

test('totals are passed on with their seq, and older ones are dropped', async () => {
  const log = await told()
  total(9, 'before the view')
  events(11, 12)
  total(12, 'a')
  total(11, 'older')
  events(13)
  total(12, 'again')
  expect(log).toEqual(['v10', 'e11', 'e12', 't12:a', 'e13', 't12:again'])
})

test('totals that overtook their events wait for them, and only the last ones do', async () => {
  const log = await told()
  total(12, 'a')
  total(13, 'b')
  total(12, 'older')
  events(11, 12, 13, 14)
  expect(log).toEqual(['v10', 'e11', 'e12', 'e13', 't13:b', 'e14'])
})

test('totals come with the events of a gap, and nothing that was pushed meanwhile is lost', async () => {
  const log = await told()
  events(13)
  total(14, 'pushed')
  await Wire.last.answer('room.join', { epoch: 1, seq: 14, events: [11, 12, 13, 14].map((n) => event(n)), totals: 'joined' })
  expect(log).toEqual(['v10', 'e11', 'e12', 'e13', 'e14', 't14:pushed', 't14:joined'])
})

test('totals that were lost on the way come with the next join, although no event is missing', async () => {
  const log = await told()
  Wire.last.end(1006)
  await vi.advanceTimersByTimeAsync(20_000)
  Wire.last.open()
  await Wire.last.answer('room.join', { epoch: 1, seq: 10, events: [], totals: 'joined' })
  expect(log).toEqual(['v10', 't10:joined'])
})

test('totals of a room that is not joined are nobody\'s', async () => {
  const log = await told()
  Wire.last.push('room.totals', { room: 's', epoch: 1, seq: 10, data: 'x' })
  expect(log).toEqual(['v10'])
})

test('a resync replaces the totals too', async () => {
  const log = await told()
  total(12, 'ahead')
  Wire.last.push('room.resync', { room: 'r', epoch: 1, seq: 40, view: {} })
  total(39, 'older')
  total(40, 'same')
  expect(log).toEqual(['v10', 'v40', 't40:same'])
})

test('a resync in the middle of a gap stands: an older answer to the join changes nothing, and nothing is told twice', async () => {
  for (const older of [{ events: [11, 12, 13, 14].map((n) => event(n)), totals: 'old' }, { view: {} }, {}]) {
    const log = await told()
    events(13)
    Wire.last.push('room.resync', { room: 'r', epoch: 1, seq: 40, view: {} })
    await Wire.last.answer('room.join', { epoch: 1, seq: 14, ...older })
    events(41)
    expect(log).toEqual(['v10', 'v40', 'e41'])
    expect(Wire.last.of('room.join').length).toBe(2)
  }
})

test('a resync in the middle of a gap is counted on from, also when the join says more', async () => {
  const log = await told()
  events(13)
  Wire.last.push('room.resync', { room: 'r', epoch: 1, seq: 12, view: {} })
  await Wire.last.answer('room.join', { epoch: 1, seq: 14, events: [11, 12, 13, 14].map((n) => event(n)) })
  events(15)
  expect(log).toEqual(['v10', 'v12', 'e13', 'e14', 'e15'])
})

test('events that follow a resync are heard while the join is still on its way', async () => {
  const log = await told()
  events(13)
  Wire.last.push('room.resync', { room: 'r', epoch: 1, seq: 40, view: {} })
  events(41, 42)
  await Wire.last.answer('room.join', { epoch: 1, seq: 42, events: [] })
  events(43)
  expect(log).toEqual(['v10', 'v40', 'e41', 'e42', 'e43'])
})

test('a view that answers a join replaces what was known, even if it is older', async () => {
  const log = await told()
  events(13)
  await Wire.last.answer('room.join', { epoch: 7, seq: 4, view: {} })
  total(4, 'a')
  Wire.last.push('room.event', { ...event(5), epoch: 7 })
  expect(log).toEqual(['v10', 'v4', 't4:a', 'e5'])
})
