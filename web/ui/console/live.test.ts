import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { kindsOf, Live } from './live'

let page: EventTarget & { hidden: boolean }

beforeEach(() => {
  vi.useFakeTimers()
  page = Object.assign(new EventTarget(), { hidden: false })
  vi.stubGlobal('document', page)
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** A page with signals, and what it asked for. */
function house(): { live: Live; watched: string[]; signals: { on: boolean } } {
  const watched: string[] = []
  const signals = { on: true }
  return { live: new Live({ watch: (of) => watched.push(of.join()), on: () => signals.on }), watched, signals }
}
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

test('a part is asked for at once, after each signal of its kinds, and seldom', async () => {
  const { live, watched } = house()
  const reload = vi.fn(() => Promise.resolve())
  const stop = live.add(['audit', 'money'], reload)
  const other = live.add(['rooms'], () => Promise.resolve())
  await pass(0)
  expect(reload).toHaveBeenCalledTimes(1)
  expect(watched).toEqual(['audit,money,rooms'])
  await pass(2000)
  live.changed(['rooms'])
  await pass(0)
  expect(reload).toHaveBeenCalledTimes(1)
  live.changed(['keys', 'money'])
  expect(reload).toHaveBeenCalledTimes(2)
  await pass(60_999)
  expect(reload).toHaveBeenCalledTimes(2)
  await pass(1)
  expect(reload).toHaveBeenCalledTimes(3)
  other()
  await pass(0)
  stop()
  live.changed(['audit'])
  await pass(120_000)
  expect(reload).toHaveBeenCalledTimes(3)
  expect(watched).toEqual(['audit,money,rooms', 'audit,money', ''])
})

test('whatever is signalled, it is asked for once at a time, once a second at most, and after the last signal', async () => {
  const { live } = house()
  let running = 0
  let [calls, last] = [0, 0]
  live.add(['audit'], async () => {
    expect(++running).toBe(1)
    calls++
    last = Date.now()
    await new Promise((resolve) => setTimeout(resolve, 300))
    running--
  })
  for (let i = 0; i < 1000; i++) {
    live.changed(['audit'])
    await pass(10)
  }
  const end = Date.now()
  await pass(5000)
  expect(calls).toBeLessThanOrEqual(1 + Math.ceil(10_000 / 1800)) // it takes 300 ms, and rests for 1,500
  expect(last).toBeGreaterThanOrEqual(end - 10)
})

test('a page that nobody sees asks for nothing, and once for what has changed when it is seen again', async () => {
  const { live } = house()
  const [changed, still] = [vi.fn(() => Promise.resolve()), vi.fn(() => Promise.resolve())]
  live.add(['audit'], changed)
  live.add(['rooms'], still)
  await pass(2000)
  page.hidden = true
  for (let i = 0; i < 10; i++) {
    live.changed(['audit'])
    await pass(1000)
  }
  expect(changed).toHaveBeenCalledTimes(1)
  page.hidden = false
  page.dispatchEvent(new Event('visibilitychange'))
  expect([changed.mock.calls.length, still.mock.calls.length]).toEqual([2, 1])
})

test('without signals, or after it failed, it is asked for more often', async () => {
  const { live, signals } = house()
  let answer: unknown = false
  const reload = vi.fn(() => Promise.resolve(answer))
  live.add(['audit'], reload)
  await pass(22_000)
  expect(reload).toHaveBeenCalledTimes(3)
  answer = true
  await pass(11_000)
  await pass(60_000)
  expect(reload).toHaveBeenCalledTimes(4)
  signals.on = false
  await pass(1000)
  await pass(22_000)
  expect(reload).toHaveBeenCalledTimes(7)
})

test('the kind of a list is the thing that it lists', () => {
  expect(['v1/audit', 'v1/players?player=a', 'v1/players/a/transactions', 'v1/ledger/postings', 'v1/webhooks/1/deliveries', 'v1/games'].map(kindsOf)).toEqual([
    ['audit'], ['players'], ['players'], ['money'], ['webhooks'], [],
  ])
})
