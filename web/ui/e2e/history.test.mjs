// A player's own rounds and transactions, and what was missed while one was away.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { accessible, at, balance, House, pictures, settled, sit, until } from './house.mjs'

let house

before(async () => {
  house = await House.open()
  for (const room of ['quick', 'away']) {
    await house.asOperator('/v1/rooms', { room, game: 'roulette', name: room === 'quick' ? 'Quick' : 'Away', settings: { betting_ms: room === 'quick' ? 1500 : 5000, close_ms: 100, spin_ms: 500, pause_ms: 700 } })
  }
})
after(() => house?.close())

const cents = (text) => Math.round(Number(/[+\-−]?[\d,]+\.\d\d/.exec(text)[0].replace(/,/g, '').replace('−', '-')) * 100)

test('rounds and transactions are listed to the cent, in pages, each round with its proof', async () => {
  const alice = await house.page('alice@casino-x')
  await sit(alice, 'quick')
  const before = await balance(alice)
  await alice.click(at('red'))
  await alice.waitForSelector('[data-mine="red"]')
  await settled(alice)
  await until('the round is on the balance', async () => (await alice.getAttribute('[data-testid=outcome]', 'data-payout').catch(() => null)) !== null)
  const paid = Number(await alice.getAttribute('[data-testid=outcome]', 'data-payout'))
  const round = Number(await alice.getAttribute('[data-testid=outcome]', 'data-round').catch(() => 0)) || Number(await alice.getAttribute('[data-testid=round]', 'data-round'))
  await until('it is paid', async () => (await balance(alice)) === before - 100 + paid)

  await alice.click('[data-testid=menu]')
  await alice.click('[data-testid=history]')
  await alice.waitForSelector(`[data-testid=rounds] [data-room="quick"][data-round="${round}"]`)
  assert.equal(new URL(alice.url()).pathname, '/play/history')
  const item = alice.locator(`[data-testid=rounds] [data-round="${round}"]`)
  assert.equal(Number(await item.getAttribute('data-net')), paid - 100)
  assert.match(await item.textContent(), new RegExp(`Quick · Round ${round}.*Roulette · settled.*${(paid / 100).toFixed(2)} paid on 1\\.00 staked.*Check round ${round}`, 's'))
  await accessible(alice, 'history of rounds')
  await alice.screenshot({ path: join(pictures, 'history.png') })
  const [verify] = await Promise.all([alice.context().waitForEvent('page'), item.locator('a').click()])
  await verify.waitForSelector('[data-testid=verdict][data-ok=true]')
  await verify.close()

  await alice.click('[data-testid=my-transactions]')
  await alice.waitForSelector('[data-testid=transactions] [data-kind=stake]')
  const newest = alice.locator('[data-testid=transactions] li').first()
  assert.equal(await newest.getAttribute('data-kind'), paid > 0 ? 'payout' : 'stake')
  assert.equal(cents(/Balance.*$/s.exec(await newest.textContent())[0]), await balance(alice))
  await accessible(alice, 'history of transactions')

  // More than a page: 12 bets, each taken back.
  await alice.goto(new URL('/play/t/roulette-2', alice.url()).href)
  await alice.waitForSelector('[data-phase=betting]')
  for (let i = 0; i < 12; i++) {
    await alice.click(at('black'))
    await alice.waitForSelector('[data-mine="black"]')
    await alice.click('[data-testid=undo]')
    await alice.waitForSelector('[data-mine="black"]', { state: 'detached' })
  }
  await alice.goto(new URL('/play/history', alice.url()).href)
  await alice.click('[data-testid=my-transactions]')
  await alice.waitForSelector('[data-testid=transactions] [data-kind=refund]')
  const list = () => alice.locator('[data-testid=transactions] li').evaluateAll((all) => all.map((li) => `${li.dataset.kind} ${li.dataset.amount}`))
  assert.equal((await list()).length, 20)
  await alice.click('[data-testid=more]')
  await until('the rest is there', async () => (await list()).length > 24)
  const all = await list()
  assert.deepEqual(all.slice(0, 24), Array.from({ length: 24 }, (_, i) => (i % 2 === 0 ? 'refund 1000' : 'stake -1000')))
  await until('the end is reached', async () => {
    await alice.click('[data-testid=more]', { timeout: 500 }).catch(() => undefined)
    return (await alice.locator('[data-testid=more]').count()) === 0
  })
  assert.deepEqual(alice.faults, [])
  await alice.context().close()
})

test('the history does not tell the outcome of a round before the table does', async () => {
  await house.asOperator('/v1/rooms', { room: 'long', game: 'roulette', name: 'Long', settings: { betting_ms: 1500, close_ms: 100, spin_ms: 6000, pause_ms: 1000 } })
  const bob = await house.page('bob@casino-x')
  await sit(bob, 'long')
  await bob.click(at('red'))
  await bob.waitForSelector('[data-phase=spinning]')
  await bob.click('[data-testid=menu]')
  await bob.click('[data-testid=history]')
  const item = bob.locator('[data-testid=rounds] [data-room="long"]')
  await item.waitFor()
  assert.match((await item.textContent()).replace(/\s+/g, ' '), /still open .* Staked 1\.00 Cannot be checked yet/)
  assert.equal(await item.locator('a').count(), 0)
  await until('it is over', async () => {
    await bob.click('[data-testid=my-rounds]')
    return /settled/.test(await item.textContent())
  })
  assert.equal(await item.locator('a').count(), 1)
  assert.deepEqual(bob.faults, [])
  await bob.context().close()
})

test('an answer that comes when something else is looked at is dropped', async () => {
  let late
  const bob = await house.page('bob@casino-x', {}, (page) =>
    page.routeWebSocket(/\/ws$/, (socket) => {
      const server = socket.connectToServer()
      let asked
      socket.onMessage((message) => {
        const m = JSON.parse(String(message))
        if (m.method === 'history.rounds') asked = m.id
        server.send(message)
      })
      server.onMessage((message) => {
        const id = JSON.parse(String(message)).id
        if (asked !== undefined && id === asked) late = () => socket.send(message)
        else socket.send(message)
      })
    }))
  await bob.waitForSelector('[data-testid=connection][data-state=open]') // the page has kept its token, which another address needs
  await bob.goto(new URL('/play/history', bob.url()).href)
  await until('the first page of rounds is asked for', () => late !== undefined)
  await bob.click('[data-testid=my-transactions]')
  await bob.waitForSelector('[data-testid=transactions]')
  late()
  await bob.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
  assert.equal(await bob.locator('[data-testid=transactions]').count(), 1)
  assert.equal(await bob.locator('[data-testid=rounds]').count(), 0)
  assert.equal(await bob.textContent('p[role=alert]'), '')
  assert.deepEqual(bob.faults, [])
  await bob.context().close()
})

test('who was away when a round ended is told on return what it brought, once', async () => {
  const bob = await house.page('bob@casino-x')
  await sit(bob, 'away')
  const before = await balance(bob)
  await bob.click(at('even'))
  await bob.waitForSelector('[data-mine="even"]')
  const round = await bob.getAttribute('[data-testid=round]', 'data-round')
  await bob.click('[data-testid=back]')
  await bob.waitForSelector('[data-open="away"]')
  const carry = await house.page('alice@casino-x')
  await carry.waitForSelector('[data-open]')
  await carry.goto(new URL('/play/t/away', carry.url()).href)
  await until('the next round is open', async () => Number(await carry.getAttribute('[data-testid=round]', 'data-round').catch(() => 0)) > Number(round), 20_000)
  await bob.click('[data-open="away"]')
  await bob.waitForSelector(`[data-testid=missed][data-round="${round}"]`)
  const paid = (await balance(bob)) - before + 100
  assert.equal(await bob.textContent('[data-testid=missed]'), `Round ${round}, while you were away: ${paid > 100 ? `You won ${((paid - 100) / 100).toFixed(2)}: ` : ''}${(paid / 100).toFixed(2)} paid on 1.00 staked`)
  assert.match(await bob.textContent('[data-testid=announcer]'), new RegExp(`^Round ${round}, while you were away: `))
  await bob.screenshot({ path: join(pictures, 'missed.png') })
  await bob.reload()
  await bob.waitForSelector('[data-phase]')
  assert.equal(await bob.locator('[data-testid=missed]').count(), 0)
  for (const p of [bob, carry]) {
    assert.deepEqual(p.faults, [])
    await p.context().close()
  }
})
