// Pages and a game that they do not know: the server has one that came after them.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { House, pictures } from './house.mjs'

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
  await alice.waitForSelector('main > [data-testid=unknown-game]')
  assert.match(await alice.textContent('main'), /This page does not know the game “senet”\. It cannot show this table\./)
  assert.equal(await alice.locator('[data-phase]').count(), 0)
  await alice.reload() // with the room in the address, and no list yet
  await alice.waitForSelector('main > [data-testid=unknown-game]')
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
