// What is seen of the player's page on screens of all sizes, and by whom: every picture is kept.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { accessible, at, House, pictures, root, show, sit, until } from './house.mjs'

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

test('every word of the page is one of its messages, and longer words have room', async () => {
  const built = mkdtempSync(join(tmpdir(), 'pitboss-pseudo-'))
  const node = (...args) => {
    const r = spawnSync('node', args, { cwd: join(root, 'web', 'ui'), encoding: 'utf8' })
    assert.equal(r.status, 0, r.stderr)
  }
  node('build.mjs', built, '--pseudo')
  node('messages.mjs') // as they are for everybody else
  // The page stays the server's; its script, and what that loads, are the built one's.
  const script = /src="\.\/assets\/(play-[^"]+\.js)"/.exec(readFileSync(join(built, 'play.html'), 'utf8'))[1]
  const pseudo = (page) => page.route(/\/assets\//, (route) => {
    const name = new URL(route.request().url()).pathname.split('/').at(-1)
    const path = join(built, 'assets', /^play-.*\.js$/.test(name) ? script : name)
    return existsSync(path) ? route.fulfill({ path }) : route.continue()
  })
  /** Returns what of the page's text is neither a message nor what somebody called something. */
  const unknown = (page) => page.evaluate(() => {
    const given = /[A-Z][a-z]{2} \d{1,2}, \d{4}, [\d:]+\s[AP]M|Casino X|Table calm-[12]|\bcalm-[12]\b|\b[Aa]lice\b|EUR|English|Deutsch|Español|العربية|SHA-256/g
    const of = (text) => {
      let rest = text.replace(given, '').replace(/[0-9a-f]{32,}/g, '')
      for (let before = ''; before !== rest;) [before, rest] = [rest, rest.replace(/\[[^[\]]*\]/g, '')] // a message in a message
      return rest
    }
    const texts = [...document.querySelectorAll('body *')].flatMap((e) => [
      ...[...e.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE && !['SCRIPT', 'NOSCRIPT'].includes(e.tagName)).map((n) => n.data),
      ...['aria-label', 'title', 'placeholder', 'alt'].map((a) => e.getAttribute(a) ?? ''),
    ])
    return [...new Set(texts.filter((t) => /\p{L}{2,}/u.test(of(t))).map((t) => t.trim()))]
  })
  for (const name of ['360x640', '844x390', '1440x900']) {
    const alice = await house.page('alice@casino-x', screens[name], pseudo)
    await alice.waitForSelector('[data-open="calm-1"] svg')
    await alice.fill('[data-testid=find]', 'calm')
    await until('only our tables are there', async () => (await alice.locator('[data-open]').count()) === 2)
    assert.deepEqual(await unknown(alice), [], `${name} lobby`)
    await alice.screenshot({ path: join(pictures, `pseudo-lobby-${name}.png`) })
    for (const room of ['calm-1', 'calm-2']) {
      await alice.click(`[data-open="${room}"]`)
      await alice.waitForSelector('[data-position]')
      assert.deepEqual(await unknown(alice), [], `${name} ${room}`)
      const wide = await alice.evaluate(() => [document.documentElement.scrollWidth - document.documentElement.clientWidth, document.querySelector('.bar').getBoundingClientRect().height])
      assert.equal(wide[0], 0, `${name} ${room} scrolls sideways`)
      if (name === '360x640') assert.ok(wide[1] <= 96, `${wide[1]}`)
      await alice.screenshot({ path: join(pictures, `pseudo-${room === 'calm-1' ? 'roulette' : 'baccarat'}-${name}.png`) })
      for (const panel of ['past', 'players', 'chat', 'rules', 'fairness']) {
        await show(alice, panel)
        assert.deepEqual(await unknown(alice), [], `${name} ${room} ${panel}`)
      }
      if ((await alice.locator('[data-testid=close-sheet]').count()) > 0) await alice.click('[data-testid=close-sheet]')
      await alice.click('[data-testid=menu]')
      await alice.waitForSelector('[data-testid=language]')
      assert.deepEqual(await unknown(alice), [], `${name} settings`)
      await alice.click('[data-testid=close-sheet]')
      await alice.click('[data-testid=back]')
      await alice.waitForSelector('[data-open="calm-1"]')
    }
    await alice.click('[data-testid=menu]')
    await alice.click('[data-testid=history]')
    await alice.waitForSelector('[data-testid=my-rounds]')
    assert.deepEqual(await unknown(alice), [], `${name} history`)
    assert.deepEqual(alice.faults, [])
    await alice.context().close()
  }
  rmSync(built, { recursive: true })
})

for (const [language, dir, first] of [['de-DE', 'ltr', 'Ihre Einsätze, bitte'], ['es-ES', 'ltr', ''], ['ar', 'rtl', '']]) {
  test(`in ${language} the page is read from its side, and the board stays as it is`, async () => {
    const alice = await house.page('alice@casino-x', { ...screens['390x844'], locale: language })
    await alice.waitForSelector('[data-open="calm-1"] svg')
    assert.equal(await alice.getAttribute('html', 'dir'), dir)
    assert.equal(await alice.getAttribute('html', 'lang'), language.slice(0, 2))
    await alice.screenshot({ path: join(pictures, `lobby-${language}.png`) })
    await alice.click('[data-open="calm-1"]')
    await alice.waitForSelector('[data-position]')
    await alice.locator(at('red')).dispatchEvent('click')
    await alice.waitForSelector('[data-mine="red"]')
    if (first) assert.equal(await alice.textContent('[data-testid=phase]'), first)
    await until('the stake is on the net position', async () => Number(await alice.getAttribute('[data-testid=net]', 'data-minor')) < 0)
    const [net, clock] = await Promise.all(['net', 'clock'].map((of) => alice.locator(`[data-testid=${of}]`).boundingBox()))
    assert.ok(dir === 'rtl' ? net.x >= clock.x + clock.width : net.x + net.width <= clock.x, 'each number stands at its own word')
    const [one, two] = await Promise.all([1, 2].map((n) => alice.locator(at(`straight:${n}`)).boundingBox()))
    assert.ok(one.x < two.x, 'the board is left-to-right')
    assert.equal(await alice.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0)
    await accessible(alice, language)
    await alice.screenshot({ path: join(pictures, `roulette-${language}.png`) })
    await alice.click('[data-testid=clear]')
    await alice.waitForSelector('[data-mine]', { state: 'detached' })
    if (language === 'ar') {
      await alice.focus('[role=radio][aria-checked=true]')
      await alice.keyboard.press('ArrowLeft')
      assert.equal(await alice.evaluate(() => document.activeElement.dataset.chip), '500', 'left is left on the screen')
      // another language can be chosen
      await alice.click('[data-testid=menu]')
      await alice.selectOption('[data-testid=language]', 'en')
      await alice.waitForSelector('html[lang=en][dir=ltr]')
      await alice.waitForSelector('[data-position]')
    }
    assert.deepEqual(alice.faults, [])
    await alice.context().close()
  })
}

test('forced colours leave everything to be seen', async () => {
  const bob = await house.page('bob@casino-x', { forcedColors: 'active' })
  await sit(bob, 'roulette-1')
  await bob.screenshot({ path: join(pictures, 'forced-colours.png') })
  await accessible(bob, 'forced colours', 'color-contrast') // axe does not know them
  await bob.context().close()
})
