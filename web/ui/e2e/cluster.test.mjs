// Several nodes, and a browser that does not care.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { at, balance, commitmentOf, House, pictures, settled, sit, until } from './house.mjs'

let house

before(async () => {
  house = await House.open(['cluster', '--nodes', '3'])
})
after(() => house?.close())

const owner = (room) => JSON.parse(house.cli('room', 'list', '--tenant', 'casino-x', '--json')).find((r) => r.room === room).node

test("the node that runs a table is killed in the middle of a round: another plays it to its end, and players' pages go on by themselves", async () => {
  const [alice, bob] = await Promise.all(['alice@casino-x', 'bob@casino-x'].map((w) => house.page(w)))
  await Promise.all([sit(alice, 'roulette-1'), sit(bob, 'roulette-1')])
  for (const p of [alice, bob]) await p.evaluate(() => { window.neverReloaded = true })
  const before = await Promise.all([balance(alice), balance(bob)])
  await alice.click(at('even'))
  await bob.click(at('odd'))
  await alice.waitForSelector('[data-mine="even"]')
  await bob.waitForSelector('[data-mine="odd"]')
  await alice.waitForSelector('[data-other="odd"]')
  const commitment = await commitmentOf(alice)
  const was = owner('roulette-1')
  process.kill(house.nodePid(was), 'SIGKILL')
  await until('another node has the table, or the same one that came back', () => owner('roulette-1') !== was || house.err.split(`node=${was} pid=`).length > 2)

  const pocket = await settled(alice)
  assert.equal(await settled(bob), pocket)
  for (const p of [alice, bob]) {
    assert.equal(await commitmentOf(p), commitment)
    await p.waitForSelector('[data-testid=connection][data-state=open]')
    assert.equal(await p.evaluate(() => window.neverReloaded), true)
  }
  const even = pocket !== 0 && pocket % 2 === 0
  await until('alice is paid', async () => (await balance(alice)) === before[0] - 100 + (even ? 200 : 0))
  await until('bob is paid', async () => (await balance(bob)) === before[1] - 100 + (pocket % 2 === 1 ? 200 : 0))
  await alice.screenshot({ path: join(pictures, 'after-failover.png') })
  assert.match(house.cli('tenant', 'trial-balance', 'casino-x'), /sum +0\.00/)

  // The same player elsewhere: the newer socket stays, on whatever node it is.
  const again = await house.page('alice@casino-x')
  await again.waitForSelector('[data-room]')
  await alice.waitForSelector('[data-testid=stopped][data-reason=superseded]')
  for (const p of [alice, bob, again]) {
    assert.deepEqual(p.faults, [])
    await p.context().close()
  }
})
