// The page of the HTTP API.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { accessible, House } from './house.mjs'

let house

before(async () => {
  house = await House.open()
})
after(() => house?.close())

test('the page has every operation of the document, within the policy', async () => {
  const page = await house.page('olivia@casino-x')
  await page.goto(new URL('/api', page.url()).href)
  await page.waitForSelector('[data-operation]')
  const [shown, wanted] = await page.evaluate(async () => {
    const doc = await (await fetch('/v1/openapi.json')).json()
    const ids = [doc.paths, doc.webhooks].flatMap((of) => Object.values(of).flatMap((item) => Object.values(item).map((o) => o.operationId)))
    return [[...document.querySelectorAll('[data-operation]')].map((e) => e.dataset.operation), ids]
  })
  assert.ok(wanted.length > 40)
  assert.deepEqual(shown.sort(), wanted.sort())
  await page.click('[data-operation=credit] summary')
  assert.match(await page.locator('[data-operation=credit]').innerText(), /curl -X POST[^]*"amount":100[^]*insufficient_funds/)
  await accessible(page, 'the API')
  await page.setViewportSize({ width: 360, height: 800 })
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 360), 'the page is wider than a phone')
  assert.deepEqual(page.faults, [])
})
