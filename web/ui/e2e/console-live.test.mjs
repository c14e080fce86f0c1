// What one operator does is seen by the others without asking for it again and again, and nothing is missed.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { House, until } from './house.mjs'

let house

before(async () => {
  house = await House.open(['cluster', '--nodes', '2'])
})
after(() => house?.close())

/** Counts the requests of the API that a page makes. */
function counted(page) {
  const asked = []
  page.on('request', (r) => {
    const { pathname } = new URL(r.url())
    if (pathname.startsWith('/v1/')) asked.push(pathname)
  })
  return asked
}

/** Resolves when a page is told of what it watches, so that it asks for nothing any more unless something changes. */
async function settled(page) {
  await page.waitForSelector('[data-testid=connection][data-state=open]')
  let last = Date.now()
  const heard = () => (last = Date.now())
  page.on('request', heard)
  await until('the page asks for nothing', () => Date.now() - last > 2500, 20_000)
  page.off('request', heard)
}

/** Opens a page of the console as somebody. */
async function look(who, section, wait) {
  const page = await house.page(who)
  await page.click(`[data-tab=${section}]`)
  await page.waitForSelector(wait)
  return page
}

const credit = (player, amount) => house.asOperator(`/v1/players/${player}/credit`, { amount, reason: 'a test', command_id: crypto.randomUUID() })
const has = (page, player, amount) => page.locator(`tr[data-player="${player}"][data-minor="${amount}"]`)

test('what one operator does is at the others within two seconds, and a page at rest asks for nothing', async () => {
  const [olivia, sam] = await Promise.all([look('olivia@casino-x', 'players', 'tr[data-player=alice]'), look('olivia@casino-x', 'promotions', '[data-testid=publish]')])
  await Promise.all([settled(olivia), settled(sam)])

  const asked = [counted(olivia), counted(sam)]
  await new Promise((resolve) => setTimeout(resolve, 12_000)) // the time is what is tested
  assert.deepEqual(asked, [[], []], 'a page asks though nothing has changed')

  const before = Number(await olivia.getAttribute('tr[data-player=alice]', 'data-minor'))
  const began = Date.now()
  await credit('alice', 700)
  await has(olivia, 'alice', before + 700).waitFor()
  assert.ok(Date.now() - began < 2000, `it took ${Date.now() - began} ms`)
  assert.ok(asked[0].length <= 2, `a change took ${asked[0]}`)

  await sam.click('[data-testid=publish]')
  await sam.waitForSelector('dialog')
  await sam.keyboard.press('Escape')
  await olivia.click('[data-tab=promotions]')
  await olivia.waitForSelector('[data-testid=publish]')
  const title = `Hour ${Date.now()}`
  const published = Date.now()
  await house.asOperator('/v1/promotions', { title, text: 'Twice', ends_at: new Date(Date.now() + 3_600_000).toISOString(), command_id: crypto.randomUUID() })
  await Promise.all([olivia, sam].map((p) => p.getByText(title).first().waitFor()))
  assert.ok(Date.now() - published < 2000, `it took ${Date.now() - published} ms`)
  for (const p of [olivia, sam]) {
    assert.deepEqual(p.faults, [])
    await p.context().close()
  }
})

test('what changes while a page is cut off is there when it is back', async () => {
  const olivia = await look('olivia@casino-x', 'players', 'tr[data-player=bob]')
  await settled(olivia)
  const before = Number(await olivia.getAttribute('tr[data-player=bob]', 'data-minor'))
  await olivia.context().setOffline(true)
  await until('the page knows that it is cut off', async () => (await olivia.getAttribute('[data-testid=connection]', 'data-state')) !== 'open', 60_000)
  await credit('bob', 100)
  await credit('bob', 100)
  await olivia.context().setOffline(false)
  await has(olivia, 'bob', before + 200).waitFor({ timeout: 20_000 })
  await olivia.context().close()
})

test('the node that a page is connected to is killed, and another one: nothing is missed', async () => {
  const olivia = await look('olivia@casino-x', 'players', 'tr[data-player=bob]')
  await settled(olivia)
  for (const node of ['node-1', 'node-2']) {
    const before = Number(await olivia.getAttribute('tr[data-player=bob]', 'data-minor'))
    process.kill(house.nodePid(node), 'SIGKILL')
    const known = house.err.split(`node=${node} pid=`).length
    let done = false
    await until('a node takes the credit', async () => {
      done ||= await credit('bob', 100).then(() => true, () => false)
      return done
    }, 20_000)
    await until('the page has it', async () => Number(await olivia.getAttribute('tr[data-player=bob]', 'data-minor')) > before, 20_000)
    await until('the node is back', () => house.err.split(`node=${node} pid=`).length > known, 30_000)
    await settled(olivia)
  }
  const before = Number(await olivia.getAttribute('tr[data-player=bob]', 'data-minor'))
  await credit('bob', 100)
  await has(olivia, 'bob', before + 100).waitFor({ timeout: 2000 })
  await olivia.context().close()
})
