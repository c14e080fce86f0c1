// What the lobby shows of tables that one is not at.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { accessible, at, House, pictures, settled, sit, until } from './house.mjs'

let house

before(async () => {
  house = await House.open()
})
after(() => house?.close())

/** Keeps what a page is told over its socket, by method. */
const listen = (page, told) =>
  page.on('websocket', (ws) => ws.on('framereceived', ({ payload }) => {
    const { method, params } = JSON.parse(payload)
    if (method) told.push({ method, params, at: Date.now() })
  }))

test('who is in the lobby sees how long bets are open at a table, and its result, without going there', async () => {
  const told = []
  const joined = []
  const alice = await house.page('alice@casino-x', {}, (page) => listen(page, joined))
  const bob = await house.page('bob@casino-x', {}, (page) => listen(page, told))
  const card = bob.locator('[data-room=roulette-1]')
  await card.waitFor()
  await sit(alice, 'roulette-1')
  await until('the lobby says that nobody has bet yet', async () => /The first bet/.test(await card.locator('[data-testid=live]').textContent()))
  const height = (await card.boundingBox()).height
  await accessible(bob, 'the lobby')

  await alice.click('[data-chip="500"]')
  await alice.click(at('red'))
  await alice.waitForSelector('[data-mine="red"]')
  const left = card.locator('[data-seconds]')
  await left.waitFor()
  const seen = new Set()
  // Each second counts one down. It is hidden from a screen reader, and nothing in the card is announced.
  await until('the seconds go by', async () => {
    if (await left.count()) seen.add(Number(await left.getAttribute('data-seconds', { timeout: 1000 }).catch(() => 0)))
    return seen.size >= 4
  })
  assert.ok([...seen].every((s) => s >= 0 && s <= 15), [...seen].join())
  assert.equal(await card.locator('[aria-hidden=true][data-seconds]').count(), await left.count())
  assert.equal(await card.locator('[aria-live], [role=timer], [role=status], [role=alert]').count(), 0)

  const pocket = await settled(alice)
  await card.locator(`[data-result="${pocket}"]`).waitFor()
  assert.match(await card.locator('[role=img]').getAttribute('aria-label'), new RegExp(`^Last results: .*\\b${pocket}\\b`))
  await accessible(bob, 'the lobby with results')
  await bob.screenshot({ path: join(pictures, 'lobby.png') })
  assert.equal((await card.boundingBox()).height, height, 'the card has moved what is below it')

  const briefs = told.filter((t) => t.method === 'lobby.briefs')
  for (let i = 1; i < briefs.length; i++) assert.ok(briefs[i].at - briefs[i - 1].at > 500, `told twice within ${briefs[i].at - briefs[i - 1].at} ms`)
  assert.deepEqual(told.filter((t) => t.method.startsWith('room.') && t.params.room !== 'lobby' ), [])
  assert.deepEqual(joined.filter((t) => t.method === 'lobby.briefs' && JSON.stringify(t.params).includes('closes_at')), [], 'at a table one is told of others')

  // Back in the lobby, alice is told what she missed.
  await alice.click('[data-testid=back]')
  await alice.locator(`[data-room=roulette-1] [data-result="${pocket}"]`).waitFor()
  for (const p of [alice, bob]) {
    assert.deepEqual(p.faults, [])
    await p.context().close()
  }
})

test('only cards that are seen count down', async () => {
  const alice = await house.page('alice@casino-x')
  const bob = await house.page('bob@casino-x', { viewport: { width: 390, height: 320 } })
  await sit(alice, 'roulette-1')
  await bob.locator('[data-room=roulette-1]').scrollIntoViewIfNeeded()
  await alice.click(at('red'))
  const left = bob.locator('[data-room=roulette-1] [data-seconds]')
  await left.waitFor()
  await bob.evaluate(() => {
    window.changes = 0
    new MutationObserver(() => window.changes++).observe(document.querySelector('[data-room=roulette-1] [data-testid=live]'), { subtree: true, childList: true, characterData: true, attributes: true })
    window.scrollTo(0, 0)
  })
  assert.equal(await bob.locator('[data-room=roulette-1]').evaluate((el) => el.getBoundingClientRect().top > innerHeight), true)
  await bob.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
  const before = await bob.evaluate(() => window.changes)
  await settled(alice)
  assert.equal(await bob.evaluate(() => window.changes), before)
  for (const p of [alice, bob]) {
    assert.deepEqual(p.faults, [])
    await p.context().close()
  }
})
