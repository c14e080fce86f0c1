// What is seen of the player's page on screens of all sizes, and by whom: every picture is kept.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
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

/** Rounds to be pasted: good ones, others of which nearly everything is wrong, and some without proof. */
function rounds() {
  const given = (name) => JSON.parse(readFileSync(join(root, 'rooms', name), 'utf8'))
  const commitment = (seed) => createHash('sha256').update(Buffer.from(seed, 'hex')).digest('hex')
  const [{ seed, round, pocket }] = given('fair/testdata/vectors.json')
  const shoe = given('baccarat/testdata/shoes.json')[0]
  const [a, b] = ['a'.repeat(64), 'b'.repeat(64)]
  const spin = { game: 'roulette', round, seed, commitment: commitment(seed) }
  const hand = { game: 'baccarat', round: shoe.first, seed: shoe.seed, commitment: commitment(shoe.seed) }
  const event = (type, data) => ({ type, data })
  const totals = [{ position: 'red', amount: 100 }, { position: 'nowhere', amount: 5 }]
  const open = { room: 'calm-1', game: 'roulette', round, events: [event('round.opened', { round, commitment: a })] }
  return {
    good: [{ ...spin, pocket }, spin, hand],
    bad: [
      {
        room: 'calm-1', game: 'roulette', round, events: [
          event('bet.placed', { seat: 1, sum: 50 }), event('wheel.spun', { round, pocket: 0, seed: spin.seed, commitment: a }), event('round.opened', { round: round + 1, commitment: b, since: 1 }),
          event('betting.closed', { totals }), event('round.settled', { round, pocket: 5, seed: a, staked: 1, winners: [{ payout: 9 }] }),
        ],
      },
      {
        room: 'calm-2', game: 'baccarat', round: shoe.first + 1, events: [
          event('round.opened', { round: shoe.first + 1, since: shoe.first, commitment: hand.commitment }), event('betting.closed', { totals: [{ position: 'banker', amount: 105 }, ...totals] }),
          event('card.dealt', { to: 'player', card: 'Xx', points: 1, cut: true }), event('card.burned', { card: 'Xx', count: 2 }), event('bet.placed', { seat: 1, sum: 105 }),
          ...Array.from({ length: 7 }, () => event('card.dealt', { to: 'banker', card: '2c', points: 2 })), event('round.settled', { winner: 'nobody', player_points: 12, staked: 105, paid: 3 }),
        ],
        revealed_by: event('seed.revealed', { round: shoe.first, since: shoe.first + 9, commitment: a, seed: shoe.seed }),
      },
      { ...hand, round: shoe.first + 200, since: shoe.first },
      { ...spin, game: 'senet' },
    ],
    unproven: [open, { ...open, proof: 'lost' }, { ...open, events: [...open.events, event('round.settled', { round })] }],
    unreadable: ['x', 'null', '{}', '{"round": 1}', JSON.stringify({ ...spin, seed: 'x' }), JSON.stringify({ ...spin, since: round + 1 }), JSON.stringify({ ...spin, events: [event('betting.closed', { totals: [null] })] })],
  }
}

/** Pastes a round into the page that verifies it, and waits for what comes of it. */
async function paste(page, round, seen) {
  await page.fill('[data-testid=paste]', typeof round === 'string' ? round : JSON.stringify(round))
  await page.click('[data-testid=check-paste]')
  await page.waitForSelector(seen)
}

test('every word of the page is one of its messages, and longer words have room', async () => {
  const built = mkdtempSync(join(tmpdir(), 'pitboss-pseudo-'))
  const node = (...args) => {
    const r = spawnSync('node', args, { cwd: join(root, 'web', 'ui'), encoding: 'utf8' })
    assert.equal(r.status, 0, r.stderr)
  }
  node('build.mjs', built, '--pseudo')
  node('messages.mjs') // as they are for everybody else
  // The pages stay the server's. Instead of their scripts the built ones are loaded, each once and under its own name, as other parts import it.
  const script = (page) => new RegExp(`src="(\\./assets/${page}-[^"]+\\.js)"`).exec(readFileSync(join(built, `${page}.html`), 'utf8'))[1].replace('assets/', '')
  const pseudo = (page) => page.route(/\/assets\//, (route) => {
    const name = new URL(route.request().url()).pathname.split('/').at(-1)
    const path = join(built, 'assets', name)
    const entry = /^(play|verify)-.*\.js$/.exec(name)?.[1]
    if (existsSync(path)) return route.fulfill({ path })
    return entry ? route.fulfill({ contentType: 'text/javascript', body: `import '${script(entry)}'` }) : route.continue()
  })
  /** Returns what of the page's text is neither a message nor what somebody called something. */
  const unknown = (page, raw = '(?!)') => page.evaluate((raw) => {
    const given = /[A-Z][a-z]{2} \d{1,2}, \d{4}, [\d:]+\s[AP]M|Casino X|Table calm-[12]|\bcalm-[12]\b|\b[Aa]lice\b|EUR|English|Deutsch|Español|العربية|SHA-256/g
    const of = (text) => {
      let rest = text.replace(given, '').replace(/[0-9a-f]{32,}/g, '').replace(new RegExp(raw, 'g'), '')
      for (let before = ''; before !== rest;) [before, rest] = [rest, rest.replace(/\[[^[\]]*\]/g, '')] // a message in a message
      return rest
    }
    const texts = [...document.querySelectorAll('body *')].flatMap((e) => [
      ...[...e.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE && !['SCRIPT', 'NOSCRIPT'].includes(e.tagName)).map((n) => n.data),
      ...['aria-label', 'title', 'placeholder', 'alt'].map((a) => e.getAttribute(a) ?? ''),
    ])
    return [...new Set(texts.filter((t) => /\p{L}{2,}/u.test(of(t))).map((t) => t.trim()))]
  }, raw)
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

    // Of a round, types of events, codes of cards and what is hashed stay as they are.
    const raw = 'Pitboss|baccarat-1|\\{"round".*\\}|pitboss\\.[a-z]+\\.v1:|\\b[a-z]+\\.[a-z]+\\b|\\b[\\dTJQKA][cdhs]\\b|\\bXx\\b| mod |nobody'
    await alice.goto(new URL('/verify', alice.url()).href)
    await until('the games have their names', async () => !/>(baccarat|roulette)</.test(await alice.innerHTML('main')))
    assert.deepEqual(await unknown(alice, raw), [], `${name} verify`)
    const { good, bad, unproven, unreadable } = rounds()
    for (const [list, seen] of [[good, '[data-testid=verdict][data-ok=true]'], [bad, '[data-testid=verdict]'], [unproven, '[data-testid=no-proof]'], [unreadable, '[data-testid=error]']]) {
      for (const round of list) {
        await paste(alice, round, seen)
        for (const summary of await alice.locator('summary').all()) await summary.click()
        const where = `${name} ${JSON.stringify(round).slice(0, 120)}`
        assert.deepEqual(await unknown(alice, raw), [], where)
        assert.equal(await alice.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, `${where} scrolls sideways`)
        if (round === bad[1]) await alice.screenshot({ path: join(pictures, `pseudo-verify-${name}.png`), fullPage: true })
      }
    }
    assert.deepEqual(alice.faults, [])
    for (const room of ['calm-1', 'nowhere']) { // a round that there is not, and a table that there is not
      await alice.fill('form input >> nth=0', room)
      await alice.fill('form input >> nth=1', '99')
      await alice.click('form button')
      await alice.waitForSelector('[data-testid=error]')
      assert.deepEqual(await unknown(alice, `${raw}|${room}`), [], `${name} ${room}`)
    }
    alice.faults = alice.faults.filter((fault) => !/status of 404/.test(fault))
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

for (const [language, title] of [['en-GB', 'Check a round'], ['ar', 'التحقق من جولة']]) {
  test(`in ${language} the page that verifies a round can be read by everybody, and another language can be chosen`, async () => {
    const alice = await house.page('alice@casino-x', { ...screens['390x844'], locale: language })
    await alice.goto(new URL('/verify', alice.url()).href)
    await alice.waitForSelector(`h1:text-is("${title}")`)
    assert.deepEqual(await alice.evaluate(() => [document.documentElement.lang, document.documentElement.dir]), language === 'ar' ? ['ar', 'rtl'] : ['en', 'ltr'])
    await accessible(alice, language)
    const { good, bad, unproven } = rounds()
    const hand = good.at(-1)
    for (const [round, what, seen] of [[hand, 'good', '[data-testid=verdict][data-ok=true]'], [bad[1], 'bad', '[data-testid=verdict][data-ok=false]'], [unproven[0], 'unproven', '[data-testid=no-proof]'], ['x', 'unreadable', '[data-testid=error]']]) {
      await paste(alice, round, seen)
      for (const summary of await alice.locator('summary').all()) await summary.click()
      await accessible(alice, `${language} ${what}`)
      await alice.screenshot({ path: join(pictures, `verify-${what}-${language}.png`), fullPage: true })
      assert.equal(await alice.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, what)
    }
    await paste(alice, hand, '[data-testid=verdict]')
    const hashes = await alice.evaluate(() => [...document.querySelectorAll('code')].filter((e) => /^[0-9a-f]{64}$/.test(e.textContent)).map((e) => getComputedStyle(e).direction))
    assert.ok(hashes.length > 2)
    assert.deepEqual([...new Set(hashes)], ['ltr'])
    await alice.selectOption('[data-testid=language]', 'de')
    await alice.waitForSelector('html[lang=de][dir=ltr] h1:text-is("Eine Runde prüfen")')
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
