// Baccarat in real browsers: a hand by touch and by keyboard, its roads and its replay, and the shoe that is dealt again once it is over.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { at, balance, House, pictures, show, tabTo, until } from '../../e2e/house.mjs'

let house
let operator

before(async () => {
  house = await House.open()
  operator = await house.page('olivia@casino-x')
  await operator.waitForSelector('tr[data-room]')
})
after(() => house?.close())

const open = (room, settings) => house.asOperator('/v1/rooms', { room, game: 'baccarat', name: `Table ${room}`, settings: { close_ms: 300, pause_ms: 2500, ...settings } })

/** Waits until a hand is paid, and returns its result. */
async function result(page) {
  const el = page.locator('[data-testid=result]')
  await el.waitFor({ state: 'attached', timeout: 40_000 })
  const { winner, player, banker, pairs } = await el.evaluate((e) => ({ ...e.dataset }))
  return { winner, player: Number(player), banker: Number(banker), pairs }
}

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }
const fits = (page) => page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth)

test('two players, one by touch and one by keyboard, are paid to the cent; the shoe is proved when it is over', async () => {
  await open('shoe-1', { betting_ms: 8000, deal_ms: 500 })
  const [alice, bob] = await Promise.all([house.page('alice@casino-x', phone), house.page('bob@casino-x')])
  await alice.tap('[data-room="shoe-1"]')
  await bob.waitForSelector('[data-room="shoe-1"]')
  await tabTo(bob, '[data-open="shoe-1"]')
  await bob.keyboard.press('Enter')
  await Promise.all([alice, bob].map((p) => p.waitForSelector('[data-phase=betting]')))
  const before = await Promise.all([balance(alice), balance(bob)])

  await alice.tap('[data-chip="500"]')
  await alice.tap(at('banker'))
  await alice.tap(at('player_pair'))
  await tabTo(bob, at('tie'))
  await bob.keyboard.press('Enter')
  await tabTo(bob, at('player'))
  await bob.keyboard.press('Space')
  await bob.keyboard.press('2') // the next chip
  await bob.keyboard.press('p')
  await alice.waitForSelector('[data-other="player"][data-amount="600"]')
  await bob.waitForSelector('[data-other="banker"][data-amount="500"]')
  assert.equal(await bob.getAttribute('[data-mine="tie"]', 'data-amount'), '100')
  assert.match(await bob.getAttribute(at('player'), 'aria-label'), /^Player, pays 1:1, your bet 6\.00$/)
  assert.match(await bob.getAttribute(at('banker'), 'aria-label'), /^Banker, pays 0\.95:1, 5 % commission, in steps of 0\.20, others 5\.00$/)
  assert.equal(await bob.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'solid')
  assert.ok(await fits(alice))

  await bob.waitForSelector('[data-phase=dealing]', { timeout: 20_000 })
  const outcome = await result(bob)
  assert.deepEqual(await result(alice), outcome)
  await bob.screenshot({ path: join(pictures, 'baccarat-desk.png') })
  await alice.screenshot({ path: join(pictures, 'baccarat-phone.png') })
  const { winner, pairs } = outcome
  const push = winner === 'tie'
  const paidAlice = (winner === 'banker' ? 975 : push ? 500 : 0) + (pairs.includes('P') ? 6000 : 0)
  const paidBob = (winner === 'player' ? 1200 : push ? 600 + 900 : 0)
  await until('alice is paid', async () => (await balance(alice)) === before[0] - 1000 + paidAlice)
  await until('bob is paid', async () => (await balance(bob)) === before[1] - 700 + paidBob)
  assert.equal(await bob.getAttribute('[data-testid=outcome]', 'data-payout'), String(paidBob))
  const said = await bob.locator('[data-testid=said] li').allTextContents()
  assert.match(said[0], /^A new shoe: its first card is the .+ put away\.$/)
  assert.ok(said.some((s) => s.endsWith(` ${outcome.player} ${outcome.player === 1 ? 'point' : 'points'}.`) && s.startsWith('Player: ')), said.join('\n'))
  for (const side of ['player', 'banker']) assert.equal(await bob.getAttribute(`[data-testid=points-${side}]`, 'data-points'), String(outcome[side]))

  // The roads have it, and show it again.
  const round = await bob.getAttribute('[data-testid=round]', 'data-round')
  const bead = `[data-testid=bead-plate] [data-round="${round}"]`
  assert.equal(await bob.getAttribute(bead, 'data-winner'), winner)
  assert.match(await bob.textContent('[data-testid=counts]'), /^1 hand: /)
  await tabTo(bob, bead)
  await bob.keyboard.press('Enter')
  await bob.waitForSelector(`[data-testid=replayed][data-winner=${winner}]`, { timeout: 15_000 })
  assert.equal(await bob.getAttribute('[data-testid=proof]', 'data-proof'), 'pending')
  assert.match(await bob.textContent('[data-testid=replay]'), new RegExp(`17\\.00 staked by all players, ${((paidAlice + paidBob) / 100).toFixed(2)} paid`))
  await bob.screenshot({ path: join(pictures, 'baccarat-replay.png') })
  await bob.keyboard.press('p') // is none of the table's keys here
  await bob.keyboard.press('Escape')
  await bob.waitForSelector('[data-testid=replay]', { state: 'detached' })
  assert.ok(await bob.evaluate((s) => document.activeElement?.matches(s), bead))
  assert.equal(await bob.locator('[data-mine]').count(), 0)

  const verify = await bob.context().newPage()
  const link = `${new URL(bob.url()).origin}/verify#room=shoe-1&round=${round}`
  await verify.goto(link)
  await verify.waitForSelector('[data-testid=no-proof][data-proof=pending]')
  assert.equal(await verify.locator('[role=alert], .error').count(), 0)
  await verify.screenshot({ path: join(pictures, 'baccarat-pending.png') })

  // The operator closes the table: the shoe is over, and its seed is told.
  await bob.waitForSelector('[data-phase=betting]', { timeout: 20_000 })
  await house.asOperator('/v1/rooms/shoe-1/close', { reason: 'the end of the day' })
  await show(bob, 'fairness')
  await bob.waitForSelector('[data-testid=seed]', { timeout: 20_000 })
  await until('the hand is proved', async () => {
    await verify.click('form button')
    await verify.waitForSelector('[data-testid=verdict], [data-testid=no-proof], [data-testid=error]')
    return (await verify.locator('[data-testid=verdict][data-ok=true]').count()) > 0
  })
  assert.match(await verify.textContent('[data-testid=verdict]'), new RegExp(`result ${push ? `Tie at ${outcome.player}` : `${winner === 'player' ? 'Player' : 'Banker'} wins, ${Math.max(outcome.player, outcome.banker)} to ${Math.min(outcome.player, outcome.banker)}`}`))
  await verify.click('[data-testid=shoe] summary')
  await verify.screenshot({ path: join(pictures, 'baccarat-verify.png'), fullPage: true })
  const pasted = JSON.parse(await verify.inputValue('[data-testid=paste]'))
  pasted.events.find((e) => e.type === 'card.dealt').data.card = 'Xx'
  await verify.fill('[data-testid=paste]', JSON.stringify(pasted))
  await verify.click('[data-testid=check-paste]')
  await until('a card that is not of the seed is noticed', async () => /✗ The cards follow from the seed/.test(await verify.textContent('[data-testid=verdict]')))
  for (const p of [alice, bob, verify]) {
    assert.deepEqual(p.faults ?? [], [])
    await p.context().close()
  }
})

test('a player squeezes his cards if he likes, and the result does not wait; without motion nothing moves', async () => {
  await open('shoe-2', { betting_ms: 3000, deal_ms: 2500, pause_ms: 1500 })
  const alice = await house.page('alice@casino-x', { reducedMotion: 'reduce' })
  await alice.click('[data-room="shoe-2"]')
  await alice.waitForSelector('[data-phase=betting]')
  assert.equal(await alice.getAttribute('[data-testid=squeeze-toggle]', 'aria-pressed'), 'false')
  await alice.click('[data-testid=squeeze-toggle]')
  await alice.reload()
  await alice.waitForSelector('[data-testid=squeeze-toggle][aria-pressed=true]')
  await alice.click(at('player'))

  const down = alice.locator('[data-testid=squeeze]')
  const cards = (side) => alice.locator(`[data-testid=hand-${side}] [data-card]`)
  const said = () => alice.locator('[data-testid=said] li').allTextContents()
  await down.waitFor({ timeout: 20_000 })
  assert.equal(await alice.evaluate(() => getComputedStyle(document.querySelector('[data-card]')).animationName), 'none')
  assert.equal(await alice.getAttribute('[data-testid=points-player]', 'data-points'), '')
  const box = await down.boundingBox()
  const [x, y] = [box.x + box.width / 2, box.y + box.height - 4]
  await alice.mouse.move(x, y)
  await alice.mouse.down()
  await alice.mouse.move(x, y - box.height / 3, { steps: 4 })
  assert.equal((await said()).filter((s) => s.startsWith('Player')).length, 0) // a peek is not a reveal
  await alice.screenshot({ path: join(pictures, 'baccarat-squeeze.png') })
  await alice.mouse.move(x, y - box.height * 1.1, { steps: 4 })
  await alice.mouse.up()
  await until('the card is turned', async () => /^\S\S$/.test(await cards('player').first().getAttribute('data-card')))
  assert.match((await said()).at(-1), /^Player: .+ points?\.$/)

  await until('banker gets a card', async () => (await cards('banker').count()) === 1)
  await alice.keyboard.press('s')
  await until('a key turns it', async () => /^\S\S$/.test(await cards('banker').first().getAttribute('data-card')))

  await until('player gets another', async () => (await cards('player').count()) === 2)
  assert.equal(await cards('player').nth(1).getAttribute('data-card'), '')
  await until('it turns by itself', async () => /^\S\S$/.test(await cards('player').nth(1).getAttribute('data-card')))

  const outcome = await result(alice)
  assert.equal(await down.count(), 0)
  for (const side of ['player', 'banker']) assert.equal(await alice.getAttribute(`[data-testid=points-${side}]`, 'data-points'), String(outcome[side]))
  await alice.click('[data-testid=history] button')
  await alice.waitForSelector('[data-testid=replayed]', { timeout: 2000 }) // at once
  assert.deepEqual(alice.faults, [])
  await alice.context().close()
})

test('who comes in the middle of a hand sees its cards, and a hand that the operator voids is swept', async () => {
  await open('shoe-3', { betting_ms: 1500, deal_ms: 3000 })
  const alice = await house.page('alice@casino-x', { viewport: { width: 360, height: 640 } })
  await alice.click('[data-room="shoe-3"]')
  await alice.waitForSelector('[data-phase=betting]')
  const had = await balance(alice)
  await alice.click(at('tie'))
  await alice.waitForSelector('[data-phase=dealing] >> nth=0', { timeout: 20_000 })
  await until('there is a card', async () => (await alice.locator('[data-card]').count()) > 1)
  await alice.reload()
  await alice.waitForSelector('[data-phase=dealing]')
  await until('it is there again', async () => (await alice.locator('[data-card]').count()) > 1)
  assert.ok(await fits(alice))
  await house.asOperator('/v1/rooms/shoe-3/void', { reason: 'a card fell', command_id: crypto.randomUUID() })
  await until('the reason is said', async () => /is void: a card fell\. All stakes were given back\./.test(await alice.textContent('[data-testid=message]')))
  assert.equal(await alice.locator('[data-card]').count(), 0)
  await until('the stake is back', async () => (await balance(alice)) === had)
  const round = await alice.getAttribute('[data-testid=round]', 'data-round')
  await alice.goto(`${new URL(alice.url()).origin}/verify#room=shoe-3&round=${round}`)
  await alice.waitForSelector('[data-testid=verdict][data-ok=true]') // what was dealt of it
  assert.deepEqual(alice.faults, [])
  await alice.context().close()
})

test("an operator opens a table by the console's form, in the game's own words", async () => {
  await operator.click('[data-testid=open-dialog]')
  await operator.selectOption('[data-testid=game]', 'baccarat')
  await operator.fill('input[placeholder="baccarat-9"]', 'shoe-4')
  await operator.getByLabel('Seconds between cards').fill('0.5')
  await operator.getByLabel('Step of stakes on banker').fill('0.10')
  await operator.getByLabel(/No commission/).check()
  await operator.click('summary:has-text("aximum")')
  await operator.getByLabel('Banker pair').fill('50')
  await operator.screenshot({ path: join(pictures, 'baccarat-open.png'), fullPage: true })
  await operator.click('[data-testid=open-room]')
  await operator.waitForSelector('tr[data-room="shoe-4"]')
  assert.match(await operator.textContent('tr[data-room="shoe-4"]'), /Baccarat, no commission/)
  const bob = await house.page('bob@casino-x')
  await bob.click('[data-room="shoe-4"]')
  assert.match(await bob.getAttribute(at('banker'), 'aria-label'), /^Banker, pays 1:1, six pays 1:2, in steps of 0\.10/)
  assert.match(await bob.getAttribute(at('banker_pair'), 'aria-label'), /, up to 50\.00/)
  assert.deepEqual([...operator.faults, ...bob.faults], [])
  await bob.context().close()
})

test('one of the operator watches, and cannot bet', async () => {
  await open('shoe-5', {})
  const watcher = await operator.context().newPage()
  await watcher.goto(`${house.links['olivia@casino-x'].replace('/console', '/play')}&room=shoe-5`)
  await watcher.waitForSelector('[data-phase=betting]')
  assert.match(await watcher.textContent('[data-testid=message]'), /You are watching/)
  assert.equal(await watcher.getAttribute(at('player'), 'aria-disabled'), 'true')
  await watcher.close()
})
