// The frame of all games, as players of all kinds use it: by keyboard and by words alone, on every screen, and by links.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { accessible, at, balance, House, pictures, settled, show, sit, tabTo, until } from './house.mjs'

let house

before(async () => {
  house = await House.open()
})
after(() => house?.close())

const open = (room, settings, game = 'roulette') => house.asOperator('/v1/rooms', { room, game, name: `Table ${room}`, settings })

/** Keeps what the page's announcer says, in window.said. */
const listen = (page) =>
  page.evaluate(() => {
    window.said = []
    const announcer = document.querySelector('[data-testid=announcer]')
    new MutationObserver(() => window.said.push(announcer.textContent)).observe(announcer, { childList: true, characterData: true, subtree: true })
  })

test('a whole round by keyboard alone: to the table, on the board, and back to where one came from', async () => {
  await open('keys', { betting_ms: 9000, close_ms: 200, spin_ms: 1500, pause_ms: 4000 })
  const bob = await house.page('bob@casino-x')
  await bob.waitForSelector('[data-open="keys"]')
  await tabTo(bob, '[data-open="keys"]')
  await bob.keyboard.press('Enter')
  await bob.waitForSelector('[data-phase=betting]')
  assert.equal(await bob.evaluate(() => document.activeElement.tagName), 'H1', 'the focus is at the table')
  assert.equal(await bob.locator('[data-position][tabindex="0"]').count(), 1, 'the board is one Tab stop')
  await listen(bob)
  await tabTo(bob, '[data-position]')
  assert.equal(await bob.evaluate(() => document.activeElement.dataset.position), 'red')
  await bob.keyboard.press('ArrowRight')
  assert.equal(await bob.evaluate(() => document.activeElement.dataset.position), 'black')
  await bob.keyboard.press('ArrowUp')
  const id = await bob.evaluate(() => document.activeElement.dataset.position)
  await bob.keyboard.press('Enter')
  await bob.waitForSelector(`[data-mine="${id}"][data-amount="100"]`)
  await tabTo(bob, '[role=radio]')
  await bob.keyboard.press('ArrowRight') // the next chip
  assert.equal(await bob.evaluate(() => document.activeElement.dataset.chip), '500')
  await bob.keyboard.press('Shift+Tab')
  await bob.keyboard.press('Space')
  await bob.waitForSelector(`[data-mine="${id}"][data-amount="600"]`)
  assert.ok(await bob.evaluate(() => getComputedStyle(document.activeElement).strokeWidth !== '0px'), 'where the focus is can be seen')
  const pocket = await settled(bob)
  await until('the result is said', async () => (await bob.evaluate(() => window.said)).some((t) => t.startsWith(`${pocket} `)))
  const said = await bob.evaluate(() => window.said)
  const count = (re) => said.filter((t) => re.test(t)).length
  assert.equal(count(/^Betting closes in \d seconds?$/), 1, said.join('\n'))
  assert.equal(count(/^No more bets$/), 1, said.join('\n'))
  assert.equal(count(/^The wheel is spinning$/), 1, said.join('\n'))
  assert.equal(count(new RegExp(`^${pocket} (red|black|green)\\. (You win [0-9.]+: [0-9.]+ paid|[0-9.]+ paid on 6\\.00 staked)\\.$`)), 1, said.join('\n'))
  assert.equal(count(/: (1|6)\.00\. Your bet counts\.$/), 2, said.join('\n'))
  assert.ok(said.length < 12, said.join('\n'))
  await tabTo(bob, '[data-testid=back]')
  await bob.keyboard.press('Enter')
  await until('the focus is on the table that was left', () => bob.evaluate(() => document.activeElement.dataset.open === 'keys'))
  assert.deepEqual(bob.faults, [])
  await bob.context().close()
})

test('the focus stays on the page: at a button that can do nothing now, at a star, after the history, and at a table that closes', async () => {
  for (const room of ['focus', 'focus-closes']) await open(room, { betting_ms: 4000, close_ms: 200, spin_ms: 1000, pause_ms: 2000 })
  const bob = await house.page('bob@casino-x')
  const focused = () => bob.evaluate(() => document.activeElement.dataset.testid ?? document.activeElement.tagName)
  const star = bob.locator('[data-room="roulette-3"] [data-testid=favourite]')
  for (const first of [true, false]) {
    await star.focus()
    await bob.keyboard.press('Enter')
    await until('the card goes elsewhere', async () => ((await bob.getAttribute('[data-room] >> nth=0', 'data-room')) === 'roulette-3') === first)
    assert.ok(await star.evaluate((el) => el === document.activeElement), 'the focus goes with its card')
    if (!first) continue
    await bob.check('[data-testid=filter-favourites]')
    await star.focus()
    await bob.keyboard.press('Enter')
    await until('the focus stays where its card is gone', async () => (await star.count()) === 0 && (await focused()) === 'H1')
    await bob.uncheck('[data-testid=filter-favourites]')
    await star.click()
  }
  await bob.focus('[data-testid=menu]')
  await bob.keyboard.press('Enter')
  await tabTo(bob, '[data-testid=history]')
  await bob.keyboard.press('Enter')
  await until('the focus is at the history', async () => (await bob.locator('[data-testid=my-rounds]').count()) > 0 && (await focused()) === 'H1')
  await bob.focus('[data-testid=back]')
  await bob.keyboard.press('Enter')
  await until('the focus is in the lobby', async () => (await bob.locator('[data-testid=find]').count()) > 0 && (await focused()) === 'H1')

  await sit(bob, 'focus')
  await listen(bob)
  await bob.focus(at('red'))
  await bob.keyboard.press('Enter')
  await bob.waitForSelector('[data-mine="red"]')
  await bob.focus('[data-testid=undo]')
  await bob.keyboard.press('Enter')
  await bob.waitForSelector('[data-mine="red"]', { state: 'detached' })
  assert.equal(await focused(), 'undo')
  assert.equal(await bob.isDisabled('[data-testid=undo]'), true)
  assert.ok((await bob.evaluate(() => window.said)).includes('Taken back. You have 0.00 on the table.'), 'what was taken back is said')
  await bob.click(at('red'))
  await bob.waitForSelector('[data-mine="red"]')
  await bob.focus('[data-testid=double]')
  await bob.waitForSelector('[data-phase=spinning]')
  assert.equal(await focused(), 'double')
  await bob.click('[data-testid=menu]')
  await bob.check('[data-testid=sound]')
  await bob.click('[data-testid=close-sheet]')
  const bets = (await bob.evaluate(() => window.said)).filter((t) => t === 'red: 1.00. Your bet counts.')
  assert.equal(bets.length, 2, 'sound that is switched on says no bet again')

  await bob.click('[data-testid=back]')
  await sit(bob, 'focus-closes')
  await bob.focus(at('red'))
  await house.asOperator('/v1/rooms/focus-closes/close', { reason: 'the end of the day' })
  await bob.waitForSelector('[data-testid=elsewhere]')
  await until('the focus is at what is said of it', async () => (await focused()) === 'H2')
  await bob.focus('[data-testid=back]')
  await bob.keyboard.press('Enter')
  await until('the focus is in the lobby again', async () => (await bob.locator('[data-testid=find]').count()) > 0 && (await focused()) === 'H1')
  await bob.goto(new URL('/play/t/nowhere', bob.url()).href)
  await until('the focus is at what is said of no table', async () => (await bob.locator('[data-testid=elsewhere]').count()) > 0 && (await focused()) === 'H1')
  assert.deepEqual(bob.faults, [])
  await bob.context().close()
})

test('single keys stake money only with the focus on the board, and can be switched off', async () => {
  await open('single', { betting_ms: 60_000 }, 'baccarat')
  const bob = await house.page('bob@casino-x')
  await bob.waitForSelector('[data-open="single"]')
  await bob.click('[data-open="single"]')
  await bob.waitForSelector('[data-phase=betting]')
  for (const key of ['p', 'b', 'r', 't']) await bob.keyboard.press(key) // the focus is on the heading
  await show(bob, 'rules')
  for (const key of ['p', 'b']) await bob.keyboard.press(key)
  await bob.focus('[data-chip][tabindex="0"]')
  for (const key of ['p', 'r']) await bob.keyboard.press(key)
  await bob.focus(at('tie'))
  await bob.keyboard.press('p')
  await bob.waitForSelector('[data-mine="player"][data-amount="100"]')
  assert.equal(await bob.locator('[data-mine]').count(), 1)
  await bob.click('[data-testid=menu]')
  await bob.uncheck('[data-testid=keys]')
  await bob.click('[data-testid=close-sheet]')
  assert.equal(await bob.evaluate(() => document.activeElement.dataset.testid), 'menu', 'the focus is back at what opened the settings')
  await bob.focus(at('tie'))
  for (const key of ['p', 'b', 'c', 'u']) await bob.keyboard.press(key)
  await bob.keyboard.press('Enter') // is no single key of the page's, but the button's
  await bob.waitForSelector('[data-mine="tie"][data-amount="100"]')
  assert.equal(await bob.getAttribute('[data-mine="player"]', 'data-amount'), '100')
  await bob.reload()
  await bob.waitForSelector('[data-mine="tie"]')
  assert.equal(await bob.getAttribute(at('player'), 'aria-keyshortcuts'), null)
  await bob.click('[data-testid=clear]')
  assert.deepEqual(bob.faults, [])
  await bob.context().close()
})

test('words say what the board shows: the position, its payout and colour, the own bet and the others', async () => {
  await open('words', { betting_ms: 60_000 })
  const [alice, bob] = await Promise.all([house.page('alice@casino-x'), house.page('bob@casino-x')])
  await Promise.all([sit(alice, 'words'), sit(bob, 'words')])
  assert.equal(await alice.getAttribute(at('straight:17'), 'aria-label'), 'number 17, black, pays 35:1')
  assert.equal(await alice.getAttribute(at('split:17-20'), 'aria-label'), 'split 17, 20, pays 17:1')
  assert.equal(await alice.getAttribute(at('dozen:2'), 'aria-label'), 'dozen 13 to 24, pays 2:1')
  assert.equal(await alice.getAttribute(at('red'), 'aria-label'), 'red, pays 1:1')
  await alice.click(at('red'))
  await bob.click('[data-chip="500"]')
  await bob.click(at('red'))
  await until('both bets are said', async () => (await alice.getAttribute(at('red'), 'aria-label')) === 'red, pays 1:1, your bet 1.00, others 5.00')
  await alice.click('[data-testid=clear]')
  await bob.click('[data-testid=clear]')
  await Promise.all([alice, bob].map((p) => p.waitForSelector('[data-mine]', { state: 'detached' })))
  for (const p of [alice, bob]) {
    assert.deepEqual(p.faults, [])
    await p.context().close()
  }
})

test("a limit is said in money and in the game's words, beside the board, in the page's language", async () => {
  await open('limits', { betting_ms: 60_000, max_bet: 500 })
  for (const [locale, words] of [['en-US', 'At most 5.00 can lie on number 8: you have 5.00 there.'], ['de-DE', /^Auf Plein 8 können höchstens 5,00 liegen: Dort haben Sie schon 5,00\.$/]]) {
    const bob = await house.page('bob@casino-x', { locale })
    await sit(bob, 'limits')
    await bob.click('[data-chip="500"]')
    await bob.click(at('straight:8'))
    await bob.waitForSelector('[data-mine="straight:8"]')
    await bob.click(at('straight:8'))
    await until('it is said', async () => (await bob.textContent('[data-testid=message]')).length > 0)
    const said = await bob.textContent('[data-testid=message]')
    if (typeof words === 'string') assert.equal(said, words)
    else assert.match(said, words)
    await bob.click('[data-testid=clear]')
    await bob.waitForSelector('[data-mine]', { state: 'detached' })
    assert.deepEqual(bob.faults, [])
    await bob.context().close()
  }
})

test('nothing tells the number before the ball lies; who wants no motion is told at once', async () => {
  await open('secret', { betting_ms: 2500, close_ms: 100, spin_ms: 4000, pause_ms: 5000 })
  const [alice, bob] = await Promise.all([house.page('alice@casino-x'), house.page('bob@casino-x', { reducedMotion: 'reduce' })])
  await Promise.all([sit(alice, 'secret'), sit(bob, 'secret')])
  await listen(alice)
  await alice.click(at('red'))
  await alice.waitForSelector('[data-mine="red"]')
  const staked = await balance(alice)
  await alice.waitForSelector('[data-phase=spinning]')
  const number = bob.locator('[data-testid=result]')
  await number.waitFor({ timeout: 1500 })
  const pocket = await number.getAttribute('data-pocket')
  assert.equal(await alice.getAttribute('[data-testid=phase]', 'data-phase'), 'spinning')
  assert.equal(await alice.locator('[data-testid=result]').count(), 0)
  assert.equal(await alice.getAttribute('.wheel', 'aria-label'), 'Roulette wheel')
  assert.equal(await alice.locator('.field.won').count(), 0)
  assert.equal(await balance(alice), staked)
  assert.equal(await alice.locator('[data-testid=results] a').count(), 0)
  await show(alice, 'fairness')
  assert.equal(await alice.locator('[data-testid=seed]').count(), 0)
  assert.equal(await alice.locator('[data-panel=fairness] ~ * a, section a[href*=verify]').count(), 0)
  assert.deepEqual((await alice.evaluate(() => window.said)).filter((t) => t.startsWith(`${pocket} `)), [])
  assert.equal(String(await settled(alice)), pocket)
  await alice.waitForSelector('[data-testid=seed]')
  assert.equal(await alice.getAttribute('.wheel', 'aria-label'), `Roulette wheel: ${await alice.textContent('[data-testid=phase]')}`)

  // The winning positions are marked, losing chips go, and what was paid lies on the board.
  const reds = [1, 3, 5, 7, 9, 12, 14, 16, 18, 19, 21, 23, 25, 27, 30, 32, 34, 36]
  const won = reds.includes(Number(pocket))
  assert.equal(await alice.getAttribute('[data-mine="red"]', 'data-paid'), won ? '200' : '0')
  await until('losing chips go', async () => (await alice.evaluate(() => getComputedStyle(document.querySelector('[data-mine="red"]')).opacity)) === (won ? '1' : '0'))
  await alice.hover(at('straight:1'))
  assert.equal(await alice.locator('.field.covered').count(), 0, 'a hover does not compete with the number')
  await alice.screenshot({ path: join(pictures, 'result.png') })

  // The result stays until the next one.
  await alice.waitForSelector('[data-phase=betting]')
  assert.match(await alice.textContent('[data-testid=before]'), new RegExp(`^Last: ${pocket} (red|black|green) · .*paid on 1\\.00 staked$`))
  for (const p of [alice, bob]) {
    assert.deepEqual(p.faults, [])
    await p.context().close()
  }
})

test('tables have addresses: Back and Forward go between them, and a link works in a new tab and in an open one', async () => {
  const bob = await house.page('bob@casino-x')
  await bob.click('[data-open="roulette-1"]')
  await bob.waitForSelector('[data-phase]')
  assert.equal(new URL(bob.url()).pathname, '/play/t/roulette-1')
  await bob.goBack()
  await bob.waitForSelector('[data-open="roulette-2"]')
  await bob.click('[data-open="roulette-2"]')
  await bob.waitForSelector('[data-phase]')
  await bob.goBack()
  await bob.waitForSelector('[data-open]')
  await bob.goForward()
  await until('the other table is there', async () => (await bob.locator('h1').textContent()) !== 'Tables' && new URL(bob.url()).pathname === '/play/t/roulette-2')
  await bob.evaluate(() => { location.hash = '#room=roulette-1' }) // as links were before
  await until('the old link works in an open tab', async () => new URL(bob.url()).pathname === '/play/t/roulette-1')
  await bob.waitForSelector('[data-phase]')
  await bob.goto(new URL('/play/t/baccarat-1', bob.url()).href)
  await bob.waitForSelector('[data-testid=hand-player]')
  await bob.goto(new URL('/play/t/no-such-table', bob.url()).href)
  await bob.waitForSelector('text=This table is not there any more.')
  await accessible(bob, 'no such table')
  await bob.goto(new URL('/play', bob.url()).href)
  await bob.evaluate(() => { history.pushState(null, '', '/play/t/%zz'); dispatchEvent(new PopStateEvent('popstate')) }) // nobody can decode it
  await bob.waitForSelector('text=This table is not there any more.')
  assert.deepEqual(bob.faults, [])
  await bob.context().close()
})

test('a table that closes offers others like it', async () => {
  await open('closing', { betting_ms: 1000 })
  const bob = await house.page('bob@casino-x')
  await sit(bob, 'closing')
  await house.asOperator('/v1/rooms/closing/close', { reason: 'the end of the day' })
  await bob.waitForSelector('[data-testid=elsewhere]')
  assert.match(await bob.textContent('main'), /This table is closed\./)
  await bob.screenshot({ path: join(pictures, 'closed.png') })
  await accessible(bob, 'closed')
  await bob.click('[data-testid=elsewhere] button >> nth=0')
  await bob.waitForSelector('[data-phase=betting]')
  assert.deepEqual(bob.faults, [])
  await bob.context().close()
})

test('the lobby finds a table by its name, its game and a stake, and keeps favourites first', async () => {
  const bob = await house.page('bob@casino-x', {}, (page) =>
    page.routeWebSocket(/\/ws$/, (socket) => {
      const server = socket.connectToServer()
      server.onMessage((message) => {
        const m = JSON.parse(String(message))
        if (Array.isArray(m.result?.rooms)) {
          const [like] = m.result.rooms.filter((r) => r.game === 'roulette')
          m.result.rooms = Array.from({ length: 100 }, (_, i) => ({ ...like, room: `table-${i + 1}`, name: `Table ${i + 1}`, settings: { ...like.settings, min_bet: i === 41 ? 5 : 100 } }))
        }
        socket.send(JSON.stringify(m))
      })
    }))
  const names = () => bob.locator('[data-room] .name').allTextContents()
  await until('all tables are listed', async () => (await names()).length === 100)
  assert.deepEqual((await names()).slice(0, 11), Array.from({ length: 11 }, (_, i) => `Table ${i + 1}`))
  await bob.fill('[data-testid=find]', 'table 4')
  await until('names are found', async () => (await names()).join() === ['Table 4', ...Array.from({ length: 10 }, (_, i) => `Table ${40 + i}`)].join())
  await bob.fill('[data-testid=find]', '')
  await bob.fill('[data-testid=filter-stake]', '0.50')
  await until('a stake is found', async () => (await names()).join() === 'Table 42')
  await bob.fill('[data-testid=filter-stake]', 'fifty')
  await bob.waitForSelector('[data-testid=filter-stake][aria-invalid=true] ~ [role=alert]')
  assert.equal((await names()).length, 100, 'a stake that is none hides no table')
  await bob.fill('[data-testid=filter-stake]', '')
  await bob.click('[data-room="table-77"] [data-testid=favourite]')
  await until('the favourite is first', async () => (await names())[0] === 'Table 77')
  await bob.reload()
  await until('it is after a reload', async () => (await names())[0] === 'Table 77')
  await bob.check('[data-testid=filter-favourites]')
  await until('only it is there', async () => (await names()).join() === 'Table 77')
  await bob.fill('[data-testid=find]', 'tabel')
  await bob.waitForSelector('text=No table is like that.')
  await accessible(bob, 'nothing found')
  await bob.click('text=Show all tables')
  await until('all are there again', async () => (await names()).length === 100)
  assert.deepEqual(bob.faults, [])
  await bob.context().close()
})

test('a line of chat that is refused stays where it was written, with why', async () => {
  const bob = await house.page('bob@casino-x')
  await sit(bob, 'roulette-1')
  await show(bob, 'chat')
  for (let i = 0; i < 12; i++) {
    await bob.fill('[data-testid=chat-input]', `line ${i}`)
    await bob.keyboard.press('Enter')
    if ((await bob.locator('[data-testid=chat-error]:not(:empty)').count()) > 0) break
  }
  await until('a line is refused', async () => (await bob.textContent('[data-testid=chat-error]')) === 'That was too fast. Wait a moment and try again.')
  assert.match(await bob.inputValue('[data-testid=chat-input]'), /^line \d+$/)
  assert.equal(await bob.textContent('[data-testid=message]'), '')
  assert.deepEqual(bob.faults, [])
  await bob.context().close()
})

test('a promotion covers neither the balance nor the chips, and goes by itself', async () => {
  const bob = await house.page('bob@casino-x', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })
  await sit(bob, 'roulette-1')
  await house.asOperator('/v1/promotions', { title: 'Happy hour', text: 'The band plays until eight.', ends_at: new Date(Date.now() + 3_600_000).toISOString(), command_id: crypto.randomUUID() })
  await bob.waitForSelector('[data-testid=promotion-toast]')
  await bob.evaluate(() => Promise.all(document.getAnimations().map((a) => a.finished.catch(() => undefined))))
  for (const [width, height] of [[360, 640], [560, 400], [600, 960], [768, 1024], [844, 390], [1024, 768], [1160, 720], [1440, 900], [390, 844]]) {
    await bob.setViewportSize({ width, height })
    await until(`nothing is covered at ${width}x${height}`, async () => (await bob.evaluate(() => {
      const t = document.querySelector('[data-testid=promotion-toast]').getBoundingClientRect()
      return ['[data-testid=balance]', '[data-testid=net]', '.bar'].filter((s) => {
        const b = document.querySelector(s).getBoundingClientRect()
        return b.left < t.right && b.right > t.left && b.top < t.bottom && b.bottom > t.top
      })
    })).length === 0)
  }
  await bob.screenshot({ path: join(pictures, 'promotion-phone.png') })
  await bob.waitForSelector('[data-testid=promotion-toast]', { state: 'detached', timeout: 20_000 })
  await bob.click('[data-testid=back]')
  await bob.waitForSelector('[data-testid=promotion]') // the lobby still has it
  assert.deepEqual(bob.faults, [])
  await bob.context().close()
})

test('pages without a session say what happened and what to do', async () => {
  const context = await house.browser.newContext()
  const page = await context.newPage()
  const play = new URL('/play', house.links['bob@casino-x']).href
  await page.goto(play)
  await page.waitForSelector('text=You are not signed in')
  await accessible(page, 'not signed in')
  await page.goto(`${play}#token=nonsense`)
  await page.reload()
  await page.waitForSelector('[data-testid=stopped]')
  assert.match(await page.textContent('main'), /This link is not valid\. Open the game again from the casino\./)
  assert.equal(await page.locator('text=Connect again').count(), 0, 'it would not help')
  await accessible(page, 'stopped')
  await context.close()
})
