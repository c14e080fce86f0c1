// Two casinos in real browsers.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { at, balance, commitmentOf, House, pictures, root, settled, show, sit, tabTo, until } from './house.mjs'

const reds = [1, 3, 5, 7, 9, 12, 14, 16, 18, 19, 21, 23, 25, 27, 30, 32, 34, 36]
let house

before(async () => {
  house = await House.open()
})
after(() => house?.close())

test('two players of a casino see each other bet, are paid to the cent, and another casino sees nothing', async () => {
  const [alice, bob, carol] = await Promise.all(['alice@casino-x', 'bob@casino-x', 'carol@lucky-star'].map((w) => house.page(w)))
  await Promise.all([sit(alice, 'roulette-1'), sit(bob, 'roulette-1'), sit(carol, 'roulette-1')])
  const before = await Promise.all([balance(alice), balance(bob), balance(carol)])

  await alice.click('[data-chip="500"]')
  await alice.click(at('red'))
  await alice.click(at('straight:17'))
  await bob.click('[data-chip="1000"]')
  await bob.click(at('black'))
  await alice.waitForSelector('[data-mine="straight:17"]')
  await bob.waitForSelector('[data-mine="black"]')
  await alice.waitForSelector('[data-other="black"][data-amount="1000"]')
  await bob.waitForSelector('[data-other="red"][data-amount="500"]')
  await show(bob, 'players')
  await until('bob sees who else bets, and how much', async () => /^al\*\*\w{3}10\.00$/.test((await bob.textContent('[data-testid=other-bets]')).replace(/\s/g, '')))
  await bob.reload() // what he missed is in the view
  await bob.waitForSelector('[data-mine="black"][data-amount="1000"]')
  await bob.waitForSelector('[data-other="red"][data-amount="500"]')
  await show(bob, 'players')
  await until('bob sees it again', async () => /^al\*\*\w{3}10\.00$/.test((await bob.textContent('[data-testid=other-bets]')).replace(/\s/g, '')))
  assert.equal(await bob.locator('[data-other]').count(), 2)
  assert.doesNotMatch(await bob.textContent('[data-testid=other-bets]'), /alice/)
  assert.equal(await balance(alice), before[0] - 1000)
  const commitment = await commitmentOf(alice)
  await alice.screenshot({ path: join(pictures, 'table.png') })

  const pocket = await settled(alice)
  await settled(bob)
  const wonAlice = (reds.includes(pocket) ? 1000 : 0) + (pocket === 17 ? 18000 : 0)
  const wonBob = pocket !== 0 && !reds.includes(pocket) ? 2000 : 0
  await until('alice is paid', async () => (await balance(alice)) === before[0] - 1000 + wonAlice)
  await until('bob is paid', async () => (await balance(bob)) === before[1] - 1000 + wonBob)
  assert.equal(await balance(carol), before[2])
  assert.equal(await carol.locator('[data-other]').count(), 0)
  assert.equal(await carol.getAttribute('[data-testid=round]', 'data-round'), '1')

  const round = await alice.getAttribute('[data-testid=round]', 'data-round')
  const verify = await alice.context().newPage()
  await verify.goto(`${new URL(alice.url()).origin}/verify#room=roulette-1&round=${round}`)
  await verify.waitForSelector('[data-testid=verdict][data-ok=true]')
  assert.ok((await verify.textContent('[data-testid=verdict]')).includes(commitment))
  await verify.screenshot({ path: join(pictures, 'verify.png') })
  // An answer that comes after that of a later check is not shown.
  let release
  const held = new Promise((resolve) => { release = resolve })
  await verify.route('**/rounds/99', async (route) => {
    await held
    await route.continue()
  })
  for (const number of ['99', round]) {
    await verify.fill('form input >> nth=1', number)
    await verify.click('form button')
  }
  await verify.waitForSelector('[data-testid=verdict][data-ok=true]')
  const late = verify.waitForResponse('**/rounds/99')
  release()
  await (await late).finished()
  await verify.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn))))
  assert.equal(await verify.locator('[data-testid=error]').count(), 0)
  const pasted = JSON.parse(await verify.inputValue('[data-testid=paste]'))
  const event = (type) => pasted.events.find((e) => e.type === type).data
  const check = async (expected) => {
    await verify.fill('[data-testid=paste]', JSON.stringify(pasted))
    await verify.click('[data-testid=check-paste]')
    await until(expected.source, async () => expected.test(await verify.textContent('[data-testid=verdict]')))
  }
  assert.deepEqual(event('betting.closed').totals.map((t) => `${t.position} ${t.amount}`).sort(), ['black 1000', 'red 500', 'straight:17 500'])
  event('round.settled').paid += 100
  await check(/✗ What was paid follows from the totals and the number/)
  event('round.settled').paid -= 100
  event('betting.closed').totals[0].amount += 100
  await check(/✗ What was staked is the sum of the totals/)
  event('betting.closed').totals[0].amount -= 100
  await check(/This round is as it was committed/)
  event('wheel.spun').pocket = (pocket + 1) % 37
  await check(/✗ The number follows from the seed/)
  await until('the felt is empty in the next round', async () => (await alice.locator('[data-other]').count()) + (await bob.locator('[data-mine]').count()) === 0)

  for (const p of [alice, bob, carol]) {
    assert.deepEqual(p.faults, [])
    assert.ok(!p.url().includes('token'), p.url())
    // The link itself has the token in its fragment, which is not sent.
    assert.deepEqual(p.urls.filter((u) => u.split('#')[0].includes('eyJ')), [])
    await p.context().close()
  }
})

test('a promotion reaches every player of its casino, also one who reloads, and is taken back everywhere', async () => {
  const [alice, bob, carol, operator] = await Promise.all(['alice@casino-x', 'bob@casino-x', 'carol@lucky-star', 'olivia@casino-x'].map((w) => house.page(w)))
  await Promise.all([alice, bob, carol].map((p) => p.waitForSelector('[data-room]')))
  await operator.click('[data-tab=promotions]')
  await operator.click('[data-testid=publish]')
  await operator.fill('[name=title]', 'Happy hour')
  await operator.fill('[name=text]', 'The band plays until eight.')
  await operator.click('[data-testid=promo-send]')
  // That it takes less than a second is cmd/pitboss's to show, without two browsers on its cores.
  await operator.click('[data-testid=promo-confirm]')
  await Promise.all([alice, bob].map((p) => p.waitForSelector('[data-testid=promotion]')))
  await alice.reload()
  await alice.waitForSelector('[data-testid=promotion]')
  assert.match(await alice.textContent('[data-testid=promotion]'), /The band plays/)
  assert.equal(await carol.locator('[data-testid=promotion]').count(), 0)
  await operator.waitForSelector('[data-testid=withdraw]')
  await operator.screenshot({ path: join(pictures, 'promotions.png') })

  await operator.click('[data-testid=withdraw]')
  await operator.fill('[name=reason]', 'the band is ill')
  await operator.click('[data-testid=withdraw-confirm]')
  await Promise.all([alice, bob].map((p) => p.waitForSelector('[data-testid=promotion]', { state: 'detached' })))
  await operator.click('[data-tab=audit]')
  await operator.waitForSelector('[data-action="promotion.withdraw"]')
  assert.equal(await operator.locator('[data-action="promotion.publish"]').count(), 1)
  for (const p of [alice, bob, carol, operator]) {
    assert.deepEqual(p.faults, [])
    await p.context().close()
  }
})

test('the server is killed in the middle of a round: the page goes on by itself, and the money is right', async () => {
  const alice = await house.page('alice@casino-x')
  await sit(alice, 'roulette-3')
  await alice.evaluate(() => { window.neverReloaded = true })
  const before = await balance(alice)
  await alice.click(at('even'))
  await alice.waitForSelector('[data-mine="even"]')
  const commitment = await commitmentOf(alice)
  await house.kill('SIGKILL')
  await alice.waitForSelector('[data-testid=connection][data-state=reconnecting]')
  await alice.click(at('odd'), { timeout: 300 }).catch(() => undefined) // bets are closed while nobody answers
  await house.start()
  await alice.waitForSelector('[data-testid=connection][data-state=open]', { timeout: 30_000 })
  const pocket = await settled(alice)
  assert.equal(await commitmentOf(alice), commitment)
  const won = pocket !== 0 && pocket % 2 === 0 ? 200 : 0
  await until('the round is paid', async () => (await balance(alice)) === before - 100 + won)
  assert.equal(await alice.evaluate(() => window.neverReloaded), true)
  assert.match(house.cli('tenant', 'trial-balance', 'casino-x'), /sum +0\.00/)
  assert.deepEqual(alice.faults, [])
  await alice.context().close()
})

test('everything can be done from the keyboard', async () => {
  const bob = await house.page('bob@casino-x')
  await bob.waitForSelector('[data-open="roulette-3"]')
  await tabTo(bob, '[data-open="roulette-3"]')
  await bob.keyboard.press('Enter')
  await bob.waitForSelector('[data-phase=betting]')
  await tabTo(bob, at('red'))
  await bob.keyboard.press('ArrowRight')
  assert.equal(await bob.evaluate(() => document.activeElement.dataset.position), 'black')
  await bob.keyboard.press('2')
  await bob.keyboard.press('Enter')
  await bob.waitForSelector('[data-mine="black"][data-amount="500"]')
  await bob.keyboard.press('Enter')
  await bob.waitForSelector('[data-mine="black"][data-amount="1000"]')
  await bob.keyboard.press('u')
  await bob.waitForSelector('[data-mine="black"][data-amount="500"]')
  await bob.keyboard.press('c')
  await bob.waitForSelector('[data-mine]', { state: 'detached' })
  assert.deepEqual(bob.faults, [])
  await bob.context().close()
})

test('the table fits a phone: the felt stands up, and chips are placed by touch', async () => {
  const bob = await house.page('bob@casino-x', { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true })
  await bob.tap('[data-room="roulette-2"]')
  await bob.waitForSelector('[data-phase=betting]')
  await bob.tap(at('dozen:2'))
  await bob.waitForSelector('[data-mine="dozen:2"]')
  const wide = await bob.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  assert.equal(wide, 0, 'the page scrolls sideways')
  await bob.screenshot({ path: join(pictures, 'phone.png') })
  await bob.tap('[data-testid=clear]')
  await bob.waitForSelector('[data-mine]', { state: 'detached' })
  assert.deepEqual(bob.faults, [])
  await bob.context().close()
})

test('an operator runs the floor: opens a table, credits a player, sees the books balance', async () => {
  const [operator, dave] = await Promise.all([house.page('olivia@lucky-star'), house.page('dave@lucky-star')])
  await dave.waitForSelector('[data-room]')
  await operator.waitForSelector('tr[data-room]')
  await operator.click('[data-testid=open-dialog]')
  await operator.selectOption('[data-testid=game]', 'roulette')
  await operator.fill('input[placeholder="roulette-9"]', 'evening')
  await operator.fill('input[placeholder="Evening table"]', 'Evening table')
  await operator.click('[data-testid=open-room]')
  await operator.waitForSelector('tr[data-room=evening]')
  await dave.waitForSelector('[data-room=evening]')
  await operator.screenshot({ path: join(pictures, 'console.png') })

  const before = await balance(dave)
  await operator.click('[data-tab=players]')
  await operator.click('tr[data-player=dave] [data-do=credit]')
  await operator.fill('[name=amount]', '12.34')
  await operator.getByLabel('Reason, for the audit log').fill('goodwill')
  await operator.click('[data-testid=credit]')
  await until('dave sees the credit', async () => (await balance(dave)) === before + 1234)
  await operator.click('[data-tab=money]')
  await operator.click('[data-show=trial-balance]')
  await operator.waitForSelector('[data-testid=trial-balance][data-ok=true]')
  await operator.click('[data-tab=connections]')
  await operator.waitForSelector('tr[data-player=dave]')
  for (const p of [operator, dave]) {
    assert.deepEqual(p.faults, [])
    await p.context().close()
  }
})

test('a suspended casino sends everybody out, with a reason', async () => {
  const carol = await house.page('carol@lucky-star')
  await carol.waitForSelector('[data-room]')
  house.cli('tenant', 'suspend', 'lucky-star', '--reason', 'test')
  await carol.waitForSelector('[data-testid=stopped][data-reason=tenant_suspended]', { timeout: 3000 })
  house.cli('tenant', 'resume', 'lucky-star')
  await until('the door is open', async () => {
    await carol.reload()
    return (await carol.locator('[data-room]').first().waitFor({ timeout: 1000 }).then(() => true, () => false))
  })
  await carol.context().close()
})

test('any JSON-RPC client can play: a script with none of our code signs in, bets and sees the result', async () => {
  const token = house.cli('token', '--tenant', 'casino-x', '--subject', 'bob')
  const r = await new Promise((resolve) => {
    execFile('node', [join(root, 'docs', 'client.mjs'), '--url', `http://casino-x.localhost:${house.port}`, '--room', 'roulette-3', '--token', token],
      { encoding: 'utf8', timeout: 60_000 }, (err, stdout, stderr) => resolve({ err, stdout, stderr }))
  })
  assert.equal(r.err, null, r.stdout + r.stderr)
  assert.match(r.stdout, /bet 1\.00 EUR on straight:17/)
})

test('pages are served under a policy that allows nothing from elsewhere', async () => {
  const bob = await house.page('bob@casino-x')
  for (const path of ['/play', '/console', '/verify']) {
    const res = await bob.goto(new URL(path, bob.url()).href)
    const csp = res.headers()['content-security-policy']
    assert.match(csp, /default-src 'none'; script-src 'self'; style-src 'self'/)
    assert.match(csp, /frame-ancestors 'none'/)
    assert.doesNotMatch(await res.text(), /<script(?![^>]* src=)|<style|style=/)
  }
  await bob.context().close()
})
