// Pages and a game that they do not know: the server has one that came after them.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { House, pictures, until } from './house.mjs'

let house

before(async () => {
  house = await House.open()
})
after(() => house?.close())

/** Makes the server's answers name a game that is in no folder. */
async function renamed(page) {
  await page.routeWebSocket(/\/ws$/, (socket) => {
    const server = socket.connectToServer()
    server.onMessage((message) => socket.send(String(message).replaceAll('"game":"roulette"', '"game":"senet"')))
  })
  await page.addInitScript(() => {
    const ask = window.fetch
    window.fetch = async (...args) => {
      const answer = await ask(...args)
      return new Response((await answer.text()).replaceAll('"game":"roulette"', '"game":"senet"'), { status: answer.status })
    }
  })
}

test('a room of a game that the pages do not know says so, in the lobby, at the table and to who verifies a round', async () => {
  const alice = await house.page('alice@casino-x', {}, renamed)
  await alice.waitForSelector('[data-room="roulette-1"] [data-testid=unknown-game]')
  assert.match(await alice.textContent('[data-room="roulette-1"]'), /This page does not know the game “senet”\./)
  await alice.screenshot({ path: join(pictures, 'unknown-game.png') })
  await alice.click('[data-room="roulette-1"]')
  await alice.waitForSelector('main .panel[data-testid=unknown-game]')
  assert.match(await alice.textContent('main'), /This page does not know the game “senet”\. It cannot show this table\./)
  assert.equal(await alice.locator('[data-phase]').count(), 0)
  await alice.reload() // with the room in the address, and no list yet
  await alice.waitForSelector('main .panel[data-testid=unknown-game]')
  await alice.click('text=Back to the lobby')
  await alice.waitForSelector('[data-room="roulette-1"]')

  const round = {
    room: 'senet-1', game: 'senet', round: 1,
    events: [
      { type: 'sticks.hidden', data: { round: 1, commitment: '66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925' } },
      { type: 'sticks.thrown', data: { round: 1, seed: '0'.repeat(64) } },
    ],
  }
  await alice.goto(new URL('/verify', alice.url()).href)
  const paste = async () => {
    await alice.fill('[data-testid=paste]', JSON.stringify(round))
    await alice.click('[data-testid=check-paste]')
  }
  await paste()
  await alice.waitForSelector('[data-testid=verdict][data-ok=partly]')
  assert.match(await alice.textContent('[data-testid=verdict]'), /This page does not know the game “senet”\. It cannot recompute the outcome\..*✓ The seed is the one that was committed to/s)
  round.events[1].data.seed = '1'.repeat(64)
  await paste()
  await alice.waitForSelector('[data-testid=verdict][data-ok=false]')
  assert.deepEqual(alice.faults, [])
  await alice.context().close()
})

test('a table that cannot be fetched says so, and is there after a reload', async () => {
  const bob = await house.page('bob@casino-x')
  await bob.waitForSelector('[data-room="roulette-2"] svg') // the card is there
  await bob.route(/\/assets\/Table-.*\.js$/, (route) => route.abort())
  await bob.click('[data-room="roulette-2"]')
  await bob.waitForSelector('[data-testid=not-loaded]')
  assert.match(await bob.textContent('main'), /could not be loaded/)
  assert.equal(await bob.locator('[data-testid=connection][data-state=open]').count(), 1)
  await bob.unroute(/\/assets\/Table-.*\.js$/)
  await bob.click('text=Load the page again')
  await bob.waitForSelector('[data-phase]')
  await bob.context().close()
})

test('any other part of the page that cannot be fetched says so in its place, and the rest works', async () => {
  for (const [part, path, come] of [
    ['Lobby', '/play', async () => undefined],
    ['History', '/play/history', async () => undefined],
    ['Settings', '/play', async (bob) => bob.click('[data-testid=menu]')],
    ['Drawer', '/play/t/roulette-2', async (bob) => bob.click('[data-testid=open-drawer]', { timeout: 2000 }).catch(() => undefined)],
    ['Rules', '/play/t/roulette-2', async (bob) => bob.click('[data-panel=rules], [data-testid=open-rules]')],
  ]) {
    const bob = await house.page('bob@casino-x')
    await bob.waitForSelector('[data-open]')
    await bob.route(new RegExp(`/assets/${part}-.*\\.js$`), (route) => route.abort())
    await bob.goto(new URL(path, bob.url()).href)
    await bob.waitForSelector('[data-testid=connection][data-state=open]')
    await come(bob)
    await bob.waitForSelector('[data-testid=not-loaded]')
    assert.match(await bob.textContent('[data-testid=not-loaded]'), /could not be loaded.*Load the page again/s, part)
    assert.equal(await bob.locator('[data-testid=connection][data-state=open]').count(), 1, part)
    await bob.unroute(new RegExp(`/assets/${part}-.*\\.js$`))
    await bob.click('text=Load the page again')
    await bob.waitForSelector(path.includes('/t/') ? '[data-phase]' : 'h1')
    assert.equal(await bob.locator('[data-testid=not-loaded]').count(), 0, part)
    await bob.context().close()
  }
})

test('the pages fetch of a game what they show, and no more', async () => {
  const fetched = (page) => [...new Set(page.urls.map((u) => /\/assets\/(Card|Table|verifier)-.*\.js$/.exec(u)?.[1]).filter((name) => name))]
  const [bob, operator] = await Promise.all([house.page('bob@casino-x'), house.page('olivia@casino-x')])
  await bob.waitForSelector('[data-room="roulette-2"] svg')
  assert.deepEqual(fetched(bob), ['Card'])
  await bob.click('[data-room="roulette-2"]')
  await bob.waitForSelector('[data-phase]')
  assert.deepEqual(fetched(bob), ['Card', 'Table'])
  await operator.waitForSelector('tr[data-room]')
  assert.deepEqual(fetched(operator), [])
  for (const p of [bob, operator]) {
    assert.deepEqual(p.faults, [])
    await p.context().close()
  }
})

test('the console shows a room of a game that it does not know, and closes it', async () => {
  const operator = await house.page('olivia@casino-x', {}, renamed)
  await operator.waitForSelector('tr[data-room="roulette-3"]')
  assert.match(await operator.textContent('tr[data-room="roulette-3"]'), /senet/)
  await operator.click('tr[data-room="roulette-3"] button.danger')
  await operator.getByLabel('Reason, for the audit log').fill('nobody knows it')
  await operator.click('text=Close the table')
  await operator.waitForSelector('tr[data-room="roulette-3"]', { state: 'detached' })
  assert.deepEqual(operator.faults, [])
  await operator.context().close()
})

/** What GET /v1/games answers: a game that the pages know, one that they do not, and one whose settings nobody describes. */
const games = [
  {
    name: 'roulette',
    settings: [
      { name: 'min_bet', type: 'money', unit: 'minor', default: 100, min: 1, max: 100_000_000_000, message: 'min_bet' },
      { name: 'max_bet', type: 'money', unit: 'minor', default: 100_000, min: 1, max: 100_000_000_000, message: 'max_bet' },
      { name: 'max_by_kind', type: 'moneys', unit: 'minor', keys: ['straight', 'even_money'], min: 1, max: 100_000_000_000, message: 'max_by_kind' },
      { name: 'betting_ms', type: 'int', unit: 'ms', default: 15_000, min: 0, max: 600_000, message: 'betting_ms' },
      { name: 'la_partage', type: 'bool', default: false, message: 'la_partage' },
    ],
  },
  { name: 'senet', settings: [{ name: 'throw_ms', type: 'int', unit: 'ms', default: 2500, min: 0, max: 60_000, message: 'throw_ms' }] },
  { name: 'mehen' },
]

test("the console's form to open a room is what the server says of a game's settings, under the game's own words", async () => {
  const operator = await house.page('olivia@lucky-star', {}, (page) =>
    page.addInitScript((list) => {
      const ask = window.fetch
      window.opened = []
      window.fetch = async (url, init) => {
        const { pathname } = new URL(url, document.baseURI)
        if (pathname === '/v1/games') return new Response(JSON.stringify({ games: list }))
        if (pathname === '/v1/rooms' && init.method === 'POST') window.opened.push(JSON.parse(init.body))
        return ask(url, init)
      }
    }, games))
  const opened = () => operator.evaluate(() => window.opened.at(-1))
  await operator.click('[data-testid=open-dialog]')
  await operator.fill('input[placeholder="roulette-9"]', 'night')
  assert.equal(await operator.getByLabel('Maximum per position').inputValue(), '1000')
  await operator.getByLabel('Minimum bet').fill('0')
  await operator.click('[data-testid=open-room]')
  await operator.getByText(/Minimum bet: must be an amount from 0\.01/).waitFor()
  await operator.getByLabel('Minimum bet').fill('2,50')
  await operator.getByLabel('Seconds to bet').fill('7.5')
  await operator.click('summary:has-text("aximum")')
  await operator.getByLabel('even money').fill('500')
  await operator.getByLabel(/La partage/).check()
  await operator.screenshot({ path: join(pictures, 'open-room.png'), fullPage: true })
  await operator.click('[data-testid=open-room]')
  await operator.waitForSelector('tr[data-room=night]')
  assert.match(await operator.textContent('tr[data-room=night]'), /Roulette, la partage.*2\.50–1,000\.00/)
  assert.deepEqual(await opened(), {
    room: 'night', game: 'roulette', name: '',
    settings: { min_bet: 250, max_bet: 100_000, max_by_kind: { even_money: 50_000 }, betting_ms: 7500, la_partage: true },
  })

  await operator.click('[data-testid=open-dialog]')
  assert.equal(await operator.getByLabel('Minimum bet').inputValue(), '1') // as the game has it
  await operator.selectOption('[data-testid=game]', 'senet')
  await operator.fill('input[placeholder="senet-9"]', 'sticks')
  assert.equal(await operator.getByLabel('throw_ms (seconds)').inputValue(), '2.5')
  await operator.click('[data-testid=open-room]')
  await until('the server refuses a game that it does not have', async () => (await operator.locator('dialog [role=alert]').allTextContents()).join('').length > 0)
  assert.deepEqual(await opened(), { room: 'sticks', game: 'senet', name: '', settings: { throw_ms: 2500 } })

  await operator.selectOption('[data-testid=game]', 'mehen')
  await operator.fill('[name=settings]', '{"turns": 3')
  await operator.click('[data-testid=open-room]')
  await operator.getByText('This is not a JSON object.').waitFor()
  await operator.fill('[name=settings]', '{"turns": 3}')
  await operator.click('[data-testid=open-room]')
  await until('the settings are sent as they are', async () => (await opened()).settings.turns === 3)
  await operator.context().close()
})
