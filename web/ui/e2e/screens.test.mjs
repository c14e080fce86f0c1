// What is seen of the player's page on screens of all sizes, and by whom: every picture is kept.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { accessible, at, House, pictures, show, sit } from './house.mjs'

let house

before(async () => {
  house = await House.open()
  for (const [room, game] of [['calm-1', 'roulette'], ['calm-2', 'baccarat']]) await house.asOperator('/v1/rooms', { room, game, name: `Table ${room}`, settings: { betting_ms: 600_000 } })
})
after(() => house?.close())

/** Screens, and how they are called: phones upright and lying, a tablet, a desk, and a desk that is enlarged to 200 and to 400 per cent. */
const screens = {
  '360x640': { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true },
  '390x844': { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  '844x390': { viewport: { width: 844, height: 390 }, hasTouch: true, isMobile: true },
  '768x1024': { viewport: { width: 768, height: 1024 }, hasTouch: true, isMobile: true },
  '1440x900': { viewport: { width: 1440, height: 900 } },
  'zoom-200': { viewport: { width: 720, height: 450 }, deviceScaleFactor: 2 },
  'zoom-400': { viewport: { width: 360, height: 225 }, deviceScaleFactor: 4 },
}

/** Where axe looks: at every state once at least, and not at each on every screen, which takes long and finds the same. */
const axe = {
  lobby: ['390x844', '1440x900'],
  settings: ['calm-1 390x844'],
  'calm-1': { board: ['390x844', '844x390', '1440x900'], panels: { '1440x900': ['past', 'players', 'chat', 'rules', 'fairness'] } },
  'calm-2': { board: ['390x844', '1440x900'], panels: { '390x844': ['past', 'rules'] } },
}

for (const [name, screen] of Object.entries(screens)) {
  test(`on ${name} the whole board is in view, digits can be read, nothing shifts, and axe finds nothing`, async () => {
    for (const room of ['calm-1', 'calm-2']) {
      const alice = await house.page('alice@casino-x', screen, (page) => page.addInitScript(() => {
        window.shift = 0
        new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) window.shift += e.value }).observe({ type: 'layout-shift', buffered: true })
      }))
      await alice.waitForSelector(`[data-open="${room}"] svg`)
      if (room === 'calm-1') {
        if (axe.lobby.includes(name)) await accessible(alice, `${name} lobby`)
        await alice.screenshot({ path: join(pictures, `lobby-${name}.png`) })
      }
      await alice.click(`[data-open="${room}"]`)
      await alice.waitForSelector('[data-position]')
      await alice.waitForSelector('[data-phase=betting]')
      const [first] = await alice.locator('[data-position]:not(.line)').all()
      await first.dispatchEvent('click')
      await alice.waitForSelector('[data-mine]')
      const seen = await alice.evaluate(() => {
        const { clientWidth: width, clientHeight: height, scrollWidth } = document.documentElement
        const boxes = [...document.querySelectorAll('[data-position]')].map((e) => e.getBoundingClientRect())
        const letters = [...document.querySelectorAll('.board text, .chips text, .chip span')].map((e) => {
          const scale = e.getScreenCTM ? e.getScreenCTM().a : 1
          return Number.parseFloat(getComputedStyle(e).fontSize) * scale
        })
        return {
          sideways: scrollWidth - width,
          outside: boxes.filter((b) => b.left < -1 || b.right > width + 1 || b.top < -1 || b.bottom > height + 1).length,
          least: Math.min(...letters), bar: document.querySelector('.bar').getBoundingClientRect().height,
          fixed: [...document.querySelectorAll('main *, header')].filter((e) => ['sticky', 'fixed'].includes(getComputedStyle(e).position)).length,
        }
      })
      const where = `${name} ${room}: ${JSON.stringify(seen)}`
      assert.equal(seen.sideways, 0, where)
      if (name !== 'zoom-400') assert.equal(seen.outside, 0, where)
      assert.ok(seen.least >= 10.99, where)
      if (screen.viewport.width < 500 && screen.viewport.height > 500) assert.ok(seen.bar <= 96, where)
      if (screen.viewport.height < 500) assert.equal(seen.fixed, 0, where)
      if (axe[room].board.includes(name)) await accessible(alice, where)
      await alice.screenshot({ path: join(pictures, `${room === 'calm-1' ? 'roulette' : 'baccarat'}-${name}.png`) })
      for (const panel of ['past', 'players', 'chat', 'rules', 'fairness']) {
        await show(alice, panel)
        if (axe[room].panels[name]?.includes(panel)) await accessible(alice, `${where} ${panel}`)
      }
      if ((await alice.locator('[data-testid=close-sheet]').count()) > 0) await alice.click('[data-testid=close-sheet]')
      await alice.click('[data-testid=menu]')
      await alice.waitForSelector('[data-testid=language]')
      if (axe.settings.includes(`${room} ${name}`)) await accessible(alice, `${where} settings`)
      await alice.click('[data-testid=close-sheet]')
      await alice.click('[data-testid=clear]')
      await alice.waitForSelector('[data-mine]', { state: 'detached' })
      const shift = await alice.evaluate(() => window.shift)
      assert.ok(shift < 0.1, `${where}: the layout shifts by ${shift}`)
      assert.deepEqual(alice.faults, [])
      await alice.context().close()
    }
  })
}

test('fingers have the fields, and under the magnifier the lines between them too', async () => {
  const bob = await house.page('bob@casino-x', screens['360x640'])
  await bob.tap('[data-open="calm-1"]')
  await bob.waitForSelector('[data-position]')
  const least = (selector) => bob.evaluate((s) => Math.min(...[...document.querySelectorAll(s)].filter((e) => getComputedStyle(e).pointerEvents !== 'none').map((e) => e.getBoundingClientRect()).flatMap((b) => [b.width, b.height])), selector)
  assert.ok((await least('[data-position]')) >= 24, `${await least('[data-position]')}`)
  await bob.tap('[data-testid=magnify]')
  await bob.tap('[data-testid=magnify-2]')
  assert.ok((await least('[data-position]')) >= 24, `${await least('[data-position]')}`)
  await bob.tap(at('split:17-20'))
  await bob.waitForSelector('[data-mine="split:17-20"]')
  await bob.screenshot({ path: join(pictures, 'magnifier.png') })
  await accessible(bob, 'magnifier')
  await bob.tap('[data-testid=magnify-0]')
  await bob.tap('[data-testid=clear]')
  await bob.waitForSelector('[data-mine]', { state: 'detached' })
  assert.deepEqual(bob.faults, [])
  await bob.context().close()
})

test('forced colours leave everything to be seen', async () => {
  const bob = await house.page('bob@casino-x', { forcedColors: 'active' })
  await sit(bob, 'roulette-1')
  await bob.screenshot({ path: join(pictures, 'forced-colours.png') })
  await accessible(bob, 'forced colours', 'color-contrast') // axe does not know them
  await bob.context().close()
})
