// Two casinos in folders of one host, in one browser.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { at, balance, House, pictures, show, sit, until } from './house.mjs'

let house

before(async () => {
  house = await House.open(['dev', '--admin-listen', '', '--subfolder-host', 'localhost'])
})
after(() => house?.close())

/** The address of a page of a casino in its folder, signed in as who if that is given. */
const under = (slug, page, who) => `http://localhost:${house.port}/t/${slug}${page}${who ? new URL(house.links[`${who}@${slug}`]).hash : ''}`

/** What a tab and the browser keep, by name. */
const kept = (page) => page.evaluate(() => [sessionStorage, localStorage].flatMap((of) => Object.keys(of)).sort())

test('two casinos of one origin are played at in one browser, and their pages keep and reach nothing of each other', async () => {
  const alice = await house.page('alice@casino-x') // at its own domain
  await alice.goto(under('casino-x', '', 'alice'))
  await alice.waitForURL(under('casino-x', '/play')) // by two redirections
  const carol = await alice.context().newPage()
  carol.faults = []
  carol.on('pageerror', (e) => carol.faults.push(e.message))
  carol.urls = []
  carol.on('request', (r) => carol.urls.push(r.url()))
  carol.on('websocket', (w) => carol.urls.push(w.url()))
  await carol.goto(under('lucky-star', '/play', 'carol'))
  await Promise.all([sit(alice, 'roulette-1'), sit(carol, 'roulette-1')])
  assert.equal(new URL(alice.url()).pathname, '/t/casino-x/play/t/roulette-1')

  const had = [await balance(alice), await balance(carol)]
  await alice.click('[data-chip="500"]')
  await alice.click(at('red'))
  await carol.click('[data-chip="1000"]')
  await carol.click(at('black'))
  await alice.waitForSelector('[data-mine="red"][data-amount="500"]')
  await carol.waitForSelector('[data-mine="black"][data-amount="1000"]')
  assert.deepEqual([await balance(alice), await balance(carol)], [had[0] - 500, had[1] - 1000])
  assert.deepEqual([await alice.locator('[data-other]').count(), await carol.locator('[data-other]').count()], [0, 0])
  await carol.screenshot({ path: join(pictures, 'folders.png') })

  // A page that is loaded again, deep in its casino, is at its own table as its own player.
  await Promise.all([alice.reload(), carol.reload()])
  await alice.waitForSelector('[data-mine="red"][data-amount="500"]')
  await carol.waitForSelector('[data-mine="black"][data-amount="1000"]')

  // Everything is under the casino's folder: what is loaded, the socket, and the link to a round's proof.
  const beside = carol.urls.filter((u) => !/^(http|ws):\/\/localhost:\d+\/t\/lucky-star\//.test(u) && !u.startsWith('data:') && !u.startsWith('blob:'))
  assert.deepEqual(beside, [])
  assert.ok(carol.urls.some((u) => u.startsWith('ws:')))

  const keys = [await kept(alice), await kept(carol)]
  assert.ok(keys[0].includes('pitboss.token /t/casino-x/') && keys[1].includes('pitboss.token /t/lucky-star/'), JSON.stringify(keys))
  assert.deepEqual(keys[0].filter((k) => !k.endsWith(' /t/casino-x/') && !k.endsWith(' /t/lucky-star/')), [])

  // A tab that goes to the other casino has no token there, and its own when it comes back.
  await alice.goto(under('lucky-star', '/play'))
  await alice.waitForSelector('main.gate')
  assert.equal(await alice.locator('[data-testid=balance]').count(), 0)
  await alice.goto(under('casino-x', '/play'))
  await alice.waitForSelector('[data-testid=balance]')
  // Nor is one casino's token any good at the other.
  await alice.goto(under('lucky-star', `/play#token=${new URLSearchParams(new URL(house.links['alice@casino-x']).hash.slice(1)).get('token')}`))
  await alice.waitForSelector('[data-testid=stopped]')
  assert.deepEqual(alice.faults.filter((f) => !f.includes('401')), [])
  assert.deepEqual(carol.faults, [])
})

test('the pages of a casino work in its folder: a language of its own, proofs, the console and the API', async () => {
  const alice = await house.page('alice@casino-x')
  await alice.goto(under('casino-x', '/play', 'alice'))
  await alice.evaluate(() => localStorage.setItem('pitboss.locale /t/casino-x/', 'de'))
  await alice.reload()
  await until('the page is German', () => alice.evaluate(() => document.documentElement.lang === 'de'))
  const beside = await alice.context().newPage()
  await beside.goto(under('lucky-star', '/play', 'carol'))
  await beside.waitForSelector('[data-room]')
  assert.equal(await beside.evaluate(() => document.documentElement.lang), 'en')

  await beside.click('[data-room="roulette-1"]')
  await show(beside, 'fairness')
  await beside.waitForSelector('a[href*="verify#"]', { timeout: 60_000 })
  const proof = await beside.getAttribute('a[href*="verify#"]', 'href')
  assert.match(proof, /^\/t\/lucky-star\/verify#room=roulette-1&round=\d+$/)
  const verify = await alice.context().newPage()
  await verify.goto(new URL(proof, beside.url()).href)
  await verify.waitForSelector('[data-testid=verdict][data-ok=true]')

  const operator = await alice.context().newPage()
  await operator.goto(under('casino-x', '/console', 'olivia'))
  await operator.waitForSelector('tr[data-room]')
  await operator.click('[data-tab=players]')
  await operator.click('tr[data-player=alice] a')
  await operator.click('[data-testid=full-page]')
  await operator.waitForSelector('[data-testid=player][data-minor]')
  assert.equal(new URL(operator.url()).pathname, '/t/casino-x/console/players/alice')
  await operator.reload()
  await operator.waitForSelector('[data-testid=player][data-minor]')
  await operator.goto(under('casino-x', '/api'))
  await operator.waitForSelector('.opblock')
})
