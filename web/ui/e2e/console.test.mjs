// The operator's console at a casino of some hundred players.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { accessible, House, pictures, until } from './house.mjs'

let house

before(async () => {
  house = await House.open()
  people('casino-x', 300)
})
after(() => house?.close())

/** Gives a casino some more players, who have nothing yet: guest-00001 and so on. */
function people(casino, count) {
  const file = join(house.dir, 'people.sql')
  writeFileSync(file, `insert into account (kind, owner) select 'player', 'guest-' || lpad(g::text, 5, '0') from generate_series(1, ${count}) g on conflict do nothing;`)
  house.cli('tenant', 'exec', '--tenant', casino, '--file', file, '--write', '--reason', 'a test')
}

const row = (player) => `[data-player="${player}"]`
const path = (page) => new URL(page.url()).pathname + new URL(page.url()).search
const focused = (page, selector) => page.evaluate((s) => document.activeElement?.matches(s) ?? false, selector)
const light = { colorScheme: 'light' }
const dark = { colorScheme: 'dark' }
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }

/** Fails if a page scrolls sideways. */
async function fits(page, where) {
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, `${where} scrolls sideways`)
}

test('a player is found, looked at, credited and the credit reversed by keyboard alone; Back and a copied link show the same', async () => {
  const olivia = await house.page('olivia@casino-x', dark)
  await olivia.waitForSelector('tr[data-room]')
  assert.equal(path(olivia), '/console/tables')
  const keys = olivia.keyboard

  await keys.press('g')
  await keys.press('p')
  await olivia.waitForSelector(row('guest-00001'))
  await keys.press('/')
  await keys.type('guest-0007')
  await until('only those are listed', async () => (await olivia.locator('tr[data-player]').count()) === 10)
  assert.equal(path(olivia), '/console/players?player.prefix=guest-0007')
  await keys.press('Tab') // filter
  await olivia.locator(row('guest-00070')).focus()
  await keys.press('j')
  await keys.press('ArrowDown')
  await until('the third row has the focus', () => focused(olivia, row('guest-00072')))
  await keys.press('k')
  await until('the second row has the focus', () => focused(olivia, row('guest-00071')))
  await keys.press('Enter')
  await olivia.waitForSelector('[data-testid=drawer] [data-testid=player][data-minor="0"]')
  assert.equal(path(olivia), '/console/players?player.prefix=guest-0007&open=guest-00071')
  assert.ok(await focused(olivia, '[data-testid=drawer] h2'), 'the drawer has not taken the focus')
  await accessible(olivia, 'players and a drawer')
  await olivia.screenshot({ path: join(pictures, 'console-drawer-dark.png') })

  const copy = await olivia.context().newPage()
  await copy.goto(`${olivia.url()}${new URL(house.links['olivia@casino-x']).hash}`)
  await copy.waitForSelector('[data-testid=drawer] [data-testid=player][data-minor="0"]')
  assert.equal(await copy.locator('tr[data-player]').count(), 10)
  assert.equal(await copy.inputValue('[data-find]'), 'guest-0007')
  assert.equal(path(copy), path(olivia))
  await copy.close()

  await keys.press('Escape')
  await until('the focus is back at the row', () => focused(olivia, row('guest-00071')))
  assert.equal(await olivia.locator('[data-testid=drawer]').count(), 0)

  // Any action from anywhere: the palette, its name, Enter.
  await keys.press('Control+k')
  await keys.type('credit guest-00071')
  await olivia.waitForSelector('[data-entry="credit guest-00071"][aria-selected=true]')
  await accessible(olivia, 'the palette')
  await olivia.screenshot({ path: join(pictures, 'console-palette-dark.png') })
  await keys.press('Enter')
  await until('the amount has the focus', () => focused(olivia, '[name=amount]'))
  await keys.type('1,234.56')
  await olivia.waitForSelector('[data-testid=dry-run][data-before="0"][data-after="123456"]')
  await keys.press('Enter')
  await olivia.getByText('This is not the amount above.').waitFor() // above 1,000 it is typed twice
  await olivia.fill('[name=again]', '1234.56')
  await keys.press('Tab')
  await keys.type('a present')
  await accessible(olivia, 'crediting')
  await olivia.screenshot({ path: join(pictures, 'console-credit-dark.png') })
  await keys.press('Enter')
  await olivia.waitForSelector('[data-testid=player][data-minor="123456"]')
  assert.match(await olivia.textContent('[data-testid=said]'), /guest-00071 now has .*1,234\.56/)
  assert.equal(path(olivia), '/console/players/guest-00071')

  await olivia.waitForSelector('tr[data-kind=credit][data-amount="123456"]')
  await accessible(olivia, 'a player')
  await olivia.screenshot({ path: join(pictures, 'console-player-dark.png') })
  await olivia.locator('tr[data-amount="123456"] [data-do=reverse]').focus()
  await keys.press('Enter')
  await olivia.waitForSelector('[data-testid=dry-run][data-before="123456"][data-after="0"]')
  await until('the reason has the focus', () => focused(olivia, '[name=reason]'))
  await keys.type('the wrong one')
  await keys.press('Enter')
  await olivia.waitForSelector('[data-testid=player][data-minor="0"]')
  await olivia.waitForSelector('tr[data-amount="-123456"]')
  await until('the dialog is gone', async () => (await olivia.locator('dialog').count()) === 0)

  await olivia.goBack()
  await until('Back leads to the list', () => path(olivia) === '/console/players?player.prefix=guest-0007')
  await until('it is as it was', async () => (await olivia.locator('tr[data-player]').count()) === 10)
  await olivia.goBack()
  await until('Back leads to the tables', () => path(olivia) === '/console/tables')
  await olivia.goForward()
  await until('Forward leads to the list', () => path(olivia) === '/console/players?player.prefix=guest-0007')
  assert.deepEqual(olivia.faults, [])
  await olivia.context().close()
})

test('a list is chosen, sorted and shown by its address, and is kept as CSV', async () => {
  const olivia = await house.page('olivia@casino-x', light)
  await olivia.click('[data-tab=players]')
  await olivia.waitForSelector(row('alice'))
  await olivia.click('[data-sort=balance]')
  await olivia.click('[data-sort=balance]')
  await until('the richest are first', async () => (await olivia.locator('tr[data-player]').first().getAttribute('data-minor')) === '100000')
  await olivia.click('[data-testid=filters]')
  await olivia.fill('[name="balance.gte"]', '0,01')
  await olivia.press('[name="balance.gte"]', 'Enter')
  await until('only alice and bob have something', async () => (await olivia.locator('tr[data-player]').count()) === 2)
  await accessible(olivia, 'filters')
  await olivia.click('[data-testid=view]')
  await olivia.getByRole('checkbox', { name: 'Since' }).uncheck()
  assert.equal(path(olivia), '/console/players?balance.gte=1&sort=-balance&hide=created_at')
  assert.equal(await olivia.locator('th').filter({ hasText: 'Since' }).count(), 0)
  await accessible(olivia, 'the view')
  await olivia.screenshot({ path: join(pictures, 'console-view-light.png') })
  const [file] = await Promise.all([olivia.waitForEvent('download'), olivia.click('[data-testid=csv]')])
  const text = await (await file.createReadStream()).toArray()
  assert.deepEqual(Buffer.concat(text).toString().trim().split(/\r?\n/).map((line) => line.split(',')[0]), ['player', 'bob', 'alice'])

  await olivia.fill('[data-find]', 'nobody')
  await olivia.waitForSelector('[data-testid=empty]')
  assert.match(await olivia.textContent('[data-testid=empty]'), /Nothing here is like that/)
  await olivia.click('[data-testid=empty] button')
  await olivia.waitForSelector(row('alice'))
  assert.deepEqual(olivia.faults, [])
  await olivia.context().close()
})

test('a list of 100,000 players is scrolled by pages, with few rows in the document, and its address leads back there', async () => {
  people('lucky-star', 100_000)
  const olivia = await house.page('olivia@lucky-star', light)
  await olivia.click('[data-tab=players]')
  await olivia.waitForSelector(row('carol'))
  const scroller = olivia.locator('.scroller')
  let most = 0
  const times = []
  for (let i = 0; i < 12; i++) {
    const count = Number(await olivia.getAttribute('[data-testid=count]', 'data-count'))
    times.push(await scroller.evaluate((el) => new Promise((resolve) => {
      const from = performance.now()
      el.scrollTop = el.scrollHeight
      requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - from)))
    })))
    await until('the next page comes', async () => Number(await olivia.getAttribute('[data-testid=count]', 'data-count')) > count)
    most = Math.max(most, await olivia.locator('tr[data-player]').count())
  }
  assert.ok(most < 80, `${most} rows were in the document`)
  console.log(`two frames after a jump took ${Math.round(Math.max(...times))} ms at most`)
  const token = new URLSearchParams(new URL(house.links['olivia@lucky-star']).hash.slice(1)).get('token')
  const begins = () => olivia.evaluate(async (bearer) => { // the page of the address: it follows a moment after the rows come to rest
    const from = new URLSearchParams(location.search).get('from')
    const answer = await fetch(`/v1/players?limit=200&cursor=${encodeURIComponent(from ?? '')}`, { headers: { Authorization: `Bearer ${bearer}` } })
    return (await answer.json()).players[0].player
  }, token)
  await until('the address has the page', async () => (await begins()) > 'guest-01000')
  const topmost = () => olivia.evaluate(() => {
    const { top } = document.querySelector('.scroller').getBoundingClientRect()
    return [...document.querySelectorAll('tr[data-player]')].find((r) => r.getBoundingClientRect().bottom > top + 40).dataset.player
  })
  const seen = await topmost()
  await olivia.reload()
  await olivia.waitForSelector('tr[data-player]')
  const first = await olivia.locator('tr[data-player]').first().getAttribute('data-player')
  assert.ok(first > 'guest-01000' && first <= seen, `after a reload the list begins with ${first}, and ${seen} was seen`)
  await olivia.getByText('From the beginning').click()
  await olivia.waitForSelector(row('carol'))
  assert.deepEqual(olivia.faults, [])
  await olivia.context().close()
})

test('money moves only on purpose: an account is not made by a typing error, and what is wrong is said beside its field', async () => {
  const olivia = await house.page('olivia@casino-x', light)
  await olivia.click('[data-tab=players]')
  await olivia.waitForSelector(row('alice'))
  await olivia.keyboard.press('Control+k')
  await olivia.keyboard.type('credit or debit')
  await olivia.keyboard.press('Enter')
  await olivia.fill('[name=player]', 'alcie')
  await olivia.fill('[name=amount]', 'much')
  await olivia.click('[data-testid=credit]')
  await olivia.getByText('This is not an amount. Write it like 1234.50.').waitFor()
  await olivia.fill('[name=amount]', '5')
  await olivia.fill('[name=reason]', 'a test')
  await olivia.waitForSelector('[data-testid=create]')
  await olivia.click('[data-testid=credit]')
  await olivia.getByText('There is no account of this name.').waitFor()
  await accessible(olivia, 'a field with an error')
  await olivia.screenshot({ path: join(pictures, 'console-credit-error-light.png') })
  assert.equal(await olivia.getAttribute('[name=player]', 'aria-invalid'), 'true')
  await olivia.fill('[name=player]', 'alice')
  await olivia.fill('[name=amount]', '-1,000.01')
  await olivia.getByText('The player does not have that much.').waitFor()
  assert.equal(await olivia.getAttribute('[name=amount]', 'aria-invalid'), 'true')
  await olivia.click('[data-testid=api-call] summary')
  assert.match(await olivia.textContent('[data-testid=api-call] pre'), /curl -X POST 'http:\/\/casino-x\.localhost:\d+\/v1\/players\/alice\/credit\?create=0' .*Bearer \$PITBOSS_TOKEN.*"amount":-100001/s)
  await olivia.keyboard.press('Escape')
  await until('the dialog is gone', async () => (await olivia.locator('dialog').count()) === 0)

  house.cli('tenant', 'set', 'casino-x', '--credit-approval-above', '200000', '--reason', 'a test')
  await olivia.click(`${row('alice')} [data-do=credit]`)
  await until('a second person is needed', async () => {
    await olivia.fill('[name=amount]', '')
    await olivia.fill('[name=amount]', '3000')
    await olivia.waitForSelector('[data-after="400000"]')
    return (await olivia.locator('[data-testid=needs-approval]').count()) === 1
  })
  await olivia.fill('[name=again]', '3000')
  await olivia.fill('[name=reason]', 'a jackpot')
  await olivia.click('[data-testid=credit]')
  await olivia.waitForSelector('[data-approval]')
  await accessible(olivia, 'a second person')
  await olivia.screenshot({ path: join(pictures, 'console-approval-light.png') })
  await olivia.getByText('Done').click()
  assert.equal(await olivia.getAttribute(row('alice'), 'data-minor'), '100000')
  assert.deepEqual(olivia.faults.filter((f) => !/40[49]/.test(f)), [])
  await olivia.context().close()
})

test('a half-written text survives a token that is not good any more: a fresh link is pasted in place', async () => {
  let expired = false
  const olivia = await house.page('olivia@casino-x', dark, (page) =>
    page.route('**/v1/**', (route) => (expired ? route.fulfill({ status: 401, contentType: 'application/problem+json', body: '{"error":{"code":"token_expired","message":"the token has expired"}}' }) : route.continue())))
  await olivia.click('[data-tab=promotions]')
  await olivia.click('[data-testid=publish]')
  await olivia.fill('[name=title]', 'Happy hour')
  await olivia.fill('[name=text]', 'The band plays')
  expired = true
  await olivia.waitForSelector('[data-testid=fresh-link]', { timeout: 15_000 })
  await accessible(olivia, 'a fresh link')
  await olivia.screenshot({ path: join(pictures, 'console-fresh-link-dark.png') })
  await olivia.keyboard.press('Escape') // not now: it is asked again for what a person does
  await olivia.waitForSelector('[data-testid=stopped]')
  await olivia.click('[data-testid=promo-send]')
  await olivia.click('[data-testid=promo-confirm]')
  await olivia.waitForSelector('[data-testid=fresh-link]')
  expired = false
  await olivia.fill('[data-testid=fresh-link] input', 'nonsense')
  await olivia.keyboard.press('Enter')
  await olivia.getByText('This is not a link with a token.').waitFor()
  await olivia.fill('[data-testid=fresh-link] input', house.links['olivia@casino-x'])
  await olivia.keyboard.press('Enter')
  await until('it goes on', async () => (await olivia.locator('[data-testid=fresh-link]').count()) === 0)
  await olivia.locator('tr[data-promotion]', { hasText: 'The band plays' }).waitFor() // what was being sent has arrived
  await olivia.waitForSelector('[data-testid=connection][data-state=open]')
  assert.deepEqual(olivia.faults.filter((f) => !f.includes('401')), [])
  await olivia.context().close()
})

const pages = ['tables', 'tables/roulette-1', 'players', 'players/alice', 'connections', 'promotions', 'money', 'audit']

for (const [name, options] of [['light', light], ['dark', dark], ['phone-light', { ...phone, ...light }], ['phone-dark', { ...phone, ...dark }]]) {
  test(`every page of the console is accessible, fits and holds still: ${name}`, async () => {
    const olivia = await house.page('olivia@casino-x', options)
    await olivia.waitForSelector('[data-room]')
    for (const at of pages) {
      await olivia.goto(new URL(`/console/${at}`, olivia.url()).href)
      const moved = await olivia.evaluate(() => new Promise((resolve) => {
        let sum = 0
        new PerformanceObserver((list) => {
          for (const e of list.getEntries()) if (!e.hadRecentInput) sum += e.value
        }).observe({ type: 'layout-shift', buffered: true })
        setTimeout(() => resolve(sum), 1200)
      }))
      await olivia.waitForSelector('main h1')
      assert.ok(moved < 0.1, `${at} moves by ${moved}`)
      await fits(olivia, at)
      await accessible(olivia, `${at} ${name}`)
      await olivia.screenshot({ path: join(pictures, `console-${at.replace('/', '-')}-${name}.png`) })
    }
    assert.deepEqual(olivia.faults, [])
    await olivia.context().close()
  })
}

test('on a phone players are cards, and one is credited by touch', async () => {
  const olivia = await house.page('olivia@casino-x', { ...phone, ...light })
  await olivia.tap('[data-tab=players]')
  await olivia.waitForSelector(`li${row('bob')}`)
  assert.equal(await olivia.locator('table').count(), 0)
  await olivia.screenshot({ path: join(pictures, 'console-cards-phone-light.png') })
  await olivia.tap(`li${row('bob')} a`)
  await olivia.waitForSelector('[data-testid=drawer] [data-testid=player][data-minor]')
  await fits(olivia, 'the drawer')
  await accessible(olivia, 'the drawer on a phone')
  await olivia.screenshot({ path: join(pictures, 'console-drawer-phone-light.png') })
  const had = Number(await olivia.getAttribute('[data-testid=player]', 'data-minor'))
  await olivia.tap('[data-testid=drawer] [data-do=credit]')
  await olivia.fill('[name=amount]', '7')
  await olivia.waitForSelector(`[data-after="${had + 700}"]`)
  await olivia.fill('[name=reason]', 'goodwill')
  await accessible(olivia, 'crediting on a phone')
  await olivia.screenshot({ path: join(pictures, 'console-credit-phone-light.png') })
  await olivia.tap('[data-testid=credit]')
  await olivia.waitForSelector(`[data-testid=player][data-minor="${had + 700}"]`)
  await olivia.tap('[data-testid=close-drawer]')
  await until('the drawer is closed', async () => (await olivia.locator('[data-testid=drawer]').count()) === 0)
  assert.deepEqual(olivia.faults, [])
  await olivia.context().close()
})

test('the theme is the system’s, or the one that was chosen, and that is kept; ? lists the keys; the sidebar folds', async () => {
  const olivia = await house.page('olivia@casino-x', light)
  await olivia.waitForSelector('tr[data-room]')
  const shown = () => olivia.evaluate(() => document.documentElement.dataset.theme)
  assert.equal(await shown(), 'light')
  await olivia.emulateMedia(dark)
  await until('it follows the system', async () => (await shown()) === 'dark')
  await olivia.click('[data-testid=settings]')
  await olivia.getByRole('radio', { name: 'Light' }).check()
  assert.equal(await shown(), 'light')
  await accessible(olivia, 'the settings')
  await olivia.screenshot({ path: join(pictures, 'console-settings-light.png') })
  await olivia.keyboard.press('Escape')
  await olivia.reload()
  await olivia.waitForSelector('tr[data-room]')
  assert.equal(await shown(), 'light')
  await olivia.keyboard.press('?')
  await olivia.waitForSelector('[data-testid=keys]')
  await accessible(olivia, 'the keys')
  await olivia.screenshot({ path: join(pictures, 'console-keys-light.png') })
  await olivia.keyboard.press('Escape')
  await olivia.getByRole('button', { name: 'Fold the sidebar' }).click()
  await olivia.screenshot({ path: join(pictures, 'console-folded-light.png') })
  await accessible(olivia, 'the folded sidebar')
  assert.deepEqual(olivia.faults, [])
  await olivia.context().close()
})

test('a link from before sections had paths leads to where they are now, and an unknown page says so', async () => {
  const olivia = await house.page('olivia@casino-x', light)
  await olivia.waitForSelector('[data-tab=money]') // the token is taken
  await olivia.goto(new URL('/console#ledger', olivia.url()).href)
  await olivia.waitForSelector('tr[data-posting]')
  assert.equal(path(olivia), '/console/money')
  await olivia.goto(new URL('/console/nothing', olivia.url()).href)
  await olivia.getByText('There is no such page').waitFor()
  assert.deepEqual(olivia.faults, [])
  await olivia.context().close()
})

for (const [locale, word, dir] of [['de', 'Spieler', 'ltr'], ['es', 'Jugadores', 'ltr'], ['ar', 'اللاعبون', 'rtl']]) {
  test(`the console speaks ${locale}, and is read from the ${dir === 'rtl' ? 'right' : 'left'}`, async () => {
    const olivia = await house.page('olivia@casino-x', { ...light, locale })
    await olivia.click('[data-tab=players]')
    await olivia.waitForSelector(row('alice'))
    assert.equal(await olivia.textContent('main h1'), word)
    assert.equal(await olivia.evaluate(() => document.documentElement.dir), dir)
    await olivia.click(`${row('alice')} td`)
    await olivia.waitForSelector('[data-testid=drawer] [data-testid=player][data-minor]')
    await fits(olivia, locale)
    await accessible(olivia, locale)
    await olivia.screenshot({ path: join(pictures, `console-players-${locale}.png`) })
    assert.deepEqual(olivia.faults, [])
    await olivia.context().close()
  })
}
