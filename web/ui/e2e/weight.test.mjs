// How much the player's page loads before somebody can bet.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { at, House, sit } from './house.mjs'

/** What may be loaded from the navigation to the first bet at a table of roulette, as it is sent: HTML, JavaScript and CSS with their headers. */
const most = 60_000

let house

before(async () => {
  house = await House.open()
})
after(() => house?.close())

test('from the navigation to the first bet, pages, scripts and styles are at most 60 kB', async () => {
  const loaded = new Map() // by the browser's id of the request
  const bob = await house.page('bob@casino-x', {}, async (page) => {
    const browser = await page.context().newCDPSession(page)
    await browser.send('Network.enable')
    browser.on('Network.responseReceived', ({ requestId, type, response }) =>
      loaded.set(requestId, { url: response.url, type, coding: response.headers['Content-Encoding'] ?? response.headers['content-encoding'] }))
    browser.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      const what = loaded.get(requestId)
      if (what) what.bytes = encodedDataLength
    })
  })
  await sit(bob, 'roulette-1')
  await bob.click(at('red'))
  await bob.waitForSelector('[data-mine="red"]')

  const counted = [...loaded.values()].filter((l) => ['Document', 'Script', 'Stylesheet'].includes(l.type))
  const total = counted.reduce((sum, l) => sum + l.bytes, 0)
  const list = counted.map((l) => `${String(l.bytes).padStart(6)} ${(l.coding ?? '').padEnd(4)} ${new URL(l.url).pathname}`).join('\n')
  console.log(`${list}\n${String(total).padStart(6)} bytes from the navigation to the first bet`)
  assert.ok(counted.length >= 8, `only ${counted.length} files were seen:\n${list}`)
  for (const l of counted.filter((l) => /\.(js|css)$/.test(l.url) && l.bytes > 2000)) assert.equal(l.coding, 'br', `${l.url} is not compressed`)
  assert.ok(total <= most, `${total} bytes are loaded before the first bet, and at most ${most} may be:\n${list}`)
  assert.deepEqual(bob.faults, [])
  await bob.context().close()
})
