// How much the player's page loads before somebody can bet, and the consoles before somebody can work with them.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { at, House } from './house.mjs'

/** What may be loaded from the navigation to a table to the first bet at it, in bytes of brotli: HTML, JavaScript and CSS, fonts aside. */
const most = 60_000

let house

before(async () => {
  house = await House.open()
})
after(() => house?.close())

/** Returns how many bytes of pages, scripts and styles were loaded, and a list of them. */
function weighed(loaded) {
  const counted = loaded.filter((r) => ['document', 'script', 'stylesheet'].includes(r.request().resourceType()))
    .map((r) => ({ path: new URL(r.url()).pathname, coding: r.headers()['content-encoding'] ?? '', bytes: Number(r.headers()['content-length']) }))
  const list = counted.map((l) => `${String(l.bytes).padStart(6)} ${l.coding.padEnd(4)} ${l.path}`).join('\n')
  assert.ok(counted.length >= 8, `only ${counted.length} files were seen:\n${list}`)
  for (const l of counted.filter((l) => /\.(js|css)$/.test(l.path) && l.bytes > 2000)) assert.equal(l.coding, 'br', `${l.path} is not compressed`)
  return { total: counted.reduce((sum, l) => sum + l.bytes, 0), list }
}

for (const [room, position] of [['roulette-1', 'red'], ['baccarat-1', 'player']]) {
  test(`from the navigation to the first bet at ${room}, pages, scripts and styles are at most 60 kB`, async () => {
    const loaded = []
    const link = new URL(house.links['bob@casino-x'])
    house.links.table = `${link.origin}/play/t/${room}${link.hash}`
    const bob = await house.page('table', { viewport: { width: 390, height: 844 } }, (page) => page.on('response', (r) => loaded.push(r)))
    await bob.waitForSelector('[data-phase=betting]')
    await bob.click(at(position))
    await bob.waitForSelector(`[data-mine="${position}"]`)

    const { total, list } = weighed(loaded)
    console.log(`${list}\n${String(total).padStart(6)} bytes from the navigation to the first bet at ${room}`)
    assert.ok(total <= most, `${total} bytes are loaded before the first bet, and at most ${most} may be:\n${list}`)
    assert.deepEqual(bob.faults, [])
    await bob.context().close()
  })
}

test('from the navigation to the list of players, the console loads at most 120 kB', async () => {
  const loaded = []
  const link = new URL(house.links['olivia@casino-x'])
  house.links.players = `${link.origin}/console/players${link.hash}`
  const olivia = await house.page('players', {}, (page) => page.on('response', (r) => loaded.push(r)))
  await olivia.waitForSelector('tr[data-player]')
  const { total, list } = weighed(loaded)
  console.log(`${list}\n${String(total).padStart(6)} bytes from the navigation to the list of players`)
  assert.ok(total <= 120_000, `${total} bytes are loaded before the list of players:\n${list}`)
  assert.deepEqual(olivia.faults, [])
  await olivia.context().close()
})

test('from the navigation to the list of casinos, the platform\'s console loads at most 120 kB', async () => {
  const loaded = []
  const ada = await house.page('platform', {}, (page) => page.on('response', (r) => loaded.push(r)))
  await ada.waitForSelector('tr[data-casino]')
  const { total, list } = weighed(loaded)
  console.log(`${list}\n${String(total).padStart(6)} bytes from the navigation to the list of casinos`)
  assert.ok(total <= 120_000, `${total} bytes are loaded before the list of casinos:\n${list}`)
  assert.deepEqual(ada.faults, [])
  await ada.context().close()
})
