// What moves on the page, moves without the page's own thread.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { at, House, sit } from './house.mjs'

let house

before(async () => {
  house = await House.open()
})
after(() => house?.close())

test('while the wheel spins, the page lays nothing out and paints nothing: it moves on layers of the compositor', async () => {
  await house.asOperator('/v1/rooms', { room: 'spin', game: 'roulette', name: 'Spin', settings: { betting_ms: 2000, close_ms: 300, spin_ms: 6000 } })
  const bob = await house.page('bob@casino-x')
  await sit(bob, 'spin')
  await bob.click(at('red'))
  await bob.waitForSelector('[data-phase=spinning]')
  await bob.mouse.move(5, 5)
  const angle = () => bob.evaluate(() => document.querySelector('.layer').getAnimations()[0]?.currentTime ?? 0)
  await bob.waitForFunction(() => (document.querySelector('.layer').getAnimations()[0]?.currentTime ?? 0) > 500)
  const from = await angle()
  await house.browser.startTracing(bob, { categories: ['devtools.timeline', 'disabled-by-default-devtools.timeline'] })
  await bob.waitForFunction((t) => document.querySelector('.layer').getAnimations()[0].currentTime > t, from + 3000, { polling: 500 })
  const trace = JSON.parse(String(await house.browser.stopTracing()))
  assert.equal(await bob.getAttribute('[data-testid=phase]', 'data-phase'), 'spinning')

  const names = new Map(trace.traceEvents.filter((e) => e.name === 'thread_name').map((e) => [`${e.pid} ${e.tid}`, e.args.name]))
  const pages = new Set(trace.traceEvents.filter((e) => e.name === 'TracingStartedInBrowser').flatMap((e) => e.args.data.frames.filter((f) => f.url.includes('/play')).map((f) => f.processId)))
  const main = trace.traceEvents.filter((e) => names.get(`${e.pid} ${e.tid}`) === 'CrRendererMain' && (pages.size === 0 || pages.has(e.pid)))
  const count = (name) => main.filter((e) => e.name === name).length
  const seen = Object.fromEntries(['Layout', 'Paint', 'UpdateLayoutTree', 'FunctionCall', 'RunTask'].map((n) => [n, count(n)]))
  assert.ok(main.length > 0, 'the trace has the page')
  assert.deepEqual([seen.Layout, seen.Paint], [0, 0], JSON.stringify(seen))
  assert.deepEqual(bob.faults, [])
  await bob.context().close()
})
