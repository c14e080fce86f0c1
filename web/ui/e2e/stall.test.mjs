// A network that stalls: nothing comes any more, and nothing closes.
import assert from 'node:assert/strict'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { at, balance, House, pictures, settled, sit, until } from './house.mjs'

const reds = [1, 3, 5, 7, 9, 12, 14, 16, 18, 19, 21, 23, 25, 27, 30, 32, 34, 36]
let house, net

/** Network is the way to the house: a proxy that can stop forwarding, one way or both, without closing anything. */
class Network {
  static async open(port) {
    const n = new Network()
    n.pairs = new Set()
    n.server = createServer((browser) => {
      const casino = connect(port, '127.0.0.1')
      const pair = { browser, casino, socket: false }
      browser.once('data', (d) => (pair.socket = /^upgrade: websocket/im.test(String(d))))
      n.pairs.add(pair)
      browser.pipe(casino)
      casino.pipe(browser)
      for (const s of [browser, casino]) {
        s.on('error', () => undefined)
        s.on('close', () => {
          browser.destroy()
          casino.destroy()
          n.pairs.delete(pair)
        })
      }
    })
    await new Promise((resolve) => n.server.listen(0, '127.0.0.1', resolve))
    n.port = n.server.address().port
    return n
  }

  /** Keeps what the casino says and, unless it is only deaf, what the browser says; of sockets only, pages still come. */
  stall({ deaf = false, sockets = false } = {}) {
    for (const { browser, casino, socket } of this.pairs) {
      if (sockets && !socket) continue
      casino.unpipe(browser)
      if (!deaf) browser.unpipe(casino)
    }
  }

  /** Goes on, with what was kept. */
  resume() {
    for (const { browser, casino } of this.pairs) {
      browser.unpipe(casino).pipe(casino) // once, also if it was only deaf
      casino.unpipe(browser).pipe(browser)
    }
  }

  /** Loses every connection, and what was kept. */
  cut() {
    for (const { browser, casino } of this.pairs) {
      browser.destroy()
      casino.destroy()
    }
  }

  close() {
    this.cut()
    this.server.close()
  }
}

before(async () => {
  house = await House.open()
  net = await Network.open(house.port)
})
after(async () => {
  net?.close()
  await house?.close()
})

/** A page of alice's over the network that can stall, at the fast table. */
async function seated() {
  const link = new URL(house.links['alice@casino-x'])
  link.port = net.port
  house.links.stalled = link.href
  const page = await house.page('stalled')
  await sit(page, 'roulette-3')
  return page
}

/** Bets 1.00 on red, which counts and starts the clock; then the network stalls under 5.00 on even. */
async function stalledBet(page, how) {
  await page.click('[data-chip="100"]')
  await page.click(at('red'))
  await page.waitForSelector('[data-mine="red"][data-amount="100"]')
  await page.waitForSelector('[role=timer]')
  net.stall(how)
  await page.click('[data-chip="500"]')
  await page.click(at('even'))
  await page.waitForSelector('[data-pending="even"]')
}

const text = (page, id) => page.textContent(`[data-testid=${id}]`)
const open = (page) => page.waitForSelector('[data-testid=connection][data-silent=false][data-state=open]', { timeout: 30_000 })

/** Waits for "No answer" with the board locked while the round is open, and then until the bet is not known. */
async function notKnown(page) {
  await page.waitForSelector('[data-testid=connection][data-silent=true]', { timeout: 6_000 })
  assert.match(await text(page, 'connection'), /No answer/)
  assert.match(await text(page, 'phase'), /^No answer\. Bets that were accepted stand\.$/)
  assert.equal(await page.getAttribute('[data-testid=connection]', 'data-state'), 'open')
  assert.ok(Number(/\d+/.exec(await page.getAttribute('[role=timer]', 'aria-label'))[0]) > 0, 'it is noticed while the round is open')
  for (const button of ['undo', 'clear', 'rebet', 'double']) assert.equal(await page.isDisabled(`[data-testid=${button}]`), true)
  assert.equal(await page.getAttribute(at('odd'), 'aria-disabled'), 'true')
  await page.click(at('odd'), { force: true })
  await page.keyboard.press('c')
  assert.equal(await page.locator('[data-pending="odd"]').count(), 0)
  assert.equal(await page.locator('[data-pending="even"]').count(), 1)
  await page.waitForSelector('[data-unknown="even"][data-amount="500"]')
  assert.equal(await text(page, 'doubt'), 'Not known yet whether this bet counts.')
  assert.equal(await page.locator('[data-pending]').count(), 0)
  assert.equal(await page.getAttribute('[data-testid=staked]', 'data-minor'), '100')
  await page.screenshot({ path: join(pictures, 'no-answer.png') })
}

const won = (pocket, even) => (reds.includes(pocket) ? 200 : 0) + (even && pocket !== 0 && pocket % 2 === 0 ? 1000 : 0)

test('a bet that comes too late out of a stalled network is refused, in words, and costs nothing', async () => {
  const alice = await seated()
  const before = await balance(alice)
  await stalledBet(alice)
  await notKnown(alice)
  net.resume()
  await open(alice)
  await until('the refusal is told', async () => /^Round \d+: your bet of 5\.00 did not count\. No more bets in this round\.$/.test(await text(alice, 'message')))
  assert.equal(await alice.locator('[data-unknown]').count(), 0)
  const pocket = await settled(alice)
  await until('the round is paid', async () => (await balance(alice)) === before - 100 + won(pocket, false))
  assert.deepEqual(alice.faults, [])
  await alice.context().close()
})

test('a bet whose answer stalls counts once, and is paid to the cent', async () => {
  const alice = await seated()
  const before = await balance(alice)
  await stalledBet(alice, { deaf: true })
  await notKnown(alice)
  net.resume()
  await open(alice)
  await alice.waitForSelector('[data-mine="even"][data-amount="500"]')
  assert.equal(await text(alice, 'message'), '')
  await until('it is known', async () => (await alice.locator('[data-unknown]').count()) === 0 && (await text(alice, 'doubt')) === '')
  const pocket = await settled(alice)
  await until('the round is paid', async () => (await balance(alice)) === before - 600 + won(pocket, true))
  assert.deepEqual(alice.faults, [])
  await alice.context().close()
})

test('a page that is loaded again under a bet without an answer says so, and the table shows what counted', async () => {
  const alice = await seated()
  await stalledBet(alice, { deaf: true, sockets: true })
  await alice.reload() // over a new connection
  await alice.waitForSelector('[data-mine="even"][data-amount="500"]')
  assert.equal(await text(alice, 'message'), 'You left this table before your last bet was answered. The table and your balance show whether it counted.')
  await settled(alice)
  await alice.reload()
  await alice.waitForSelector('[data-phase]')
  assert.equal(await text(alice, 'message'), '')
  await alice.context().close()
})

test('a bet that is lost with its connection is asked about over the next one, after its round, and costs nothing', async () => {
  const alice = await seated()
  const before = await balance(alice)
  await stalledBet(alice)
  await notKnown(alice)
  net.cut()
  await open(alice)
  await until('the refusal is told', async () => /^Round \d+: your bet of 5\.00 did not count\. No more bets in this round\.$/.test(await text(alice, 'message')))
  const pocket = await settled(alice)
  await until('the round is paid', async () => (await balance(alice)) === before - 100 + won(pocket, false))
  assert.match(house.cli('tenant', 'trial-balance', 'casino-x'), /sum +0\.00/)
  assert.deepEqual(alice.faults, [])
  await alice.context().close()
})
