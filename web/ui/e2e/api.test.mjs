// The page of the HTTP API.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { accessible, House, tabTo } from './house.mjs'

let house

before(async () => {
  house = await House.open()
})
after(() => house?.close())

// Good practice that Swagger UI has not: its headings leave levels out, and tables of answers are regions without names.
const asItIs = ['heading-order', 'landmark-unique']

test('the page has every operation and message of the document, within the policy', async () => {
  const page = await house.page('olivia@casino-x')
  await page.goto(new URL('/api', page.url()).href)
  await page.waitForSelector('.webhooks .opblock')
  const [shown, wanted] = await page.evaluate(async () => {
    const doc = await (await fetch('/v1/openapi.json')).json()
    const ids = [doc.paths, doc.webhooks].flatMap((of) => Object.values(of).flatMap((item) => Object.values(item).map((o) => `operations-${o.tags[0]}-${o.operationId}`)))
    return [[...document.querySelectorAll('.opblock')].map((e) => e.id), ids]
  })
  assert.ok(wanted.length > 40)
  assert.deepEqual(shown.sort(), wanted.sort())
  await accessible(page, 'the API', ...asItIs)

  await tabTo(page, '#operations-players-credit .opblock-summary-control')
  await page.keyboard.press('Enter')
  const credit = page.locator('#operations-players-credit')
  await credit.locator('[data-code="409"] .example').waitFor()
  assert.match(await credit.innerText(), /Idempotency-Key[^]*"amount": 100,[^]*insufficient_funds[^]*x-scope\s+"money:write"/)
  await credit.locator('.opblock-section-request-body [data-name=model]').click()
  await credit.locator('.opblock-section-request-body .json-schema-2020-12-property', { hasText: 'amount' }).waitFor()
  await page.click('#operations-webhooks-onRoundSettled .opblock-summary-control')
  await page.locator('#operations-webhooks-onRoundSettled .body-param__example', { hasText: '"round.settled"' }).waitFor()
  await page.click('.models [aria-expanded=false] >> nth=0')
  await accessible(page, 'operations that are open', ...asItIs)
  await page.setViewportSize({ width: 360, height: 800 })
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 360), 'the page is wider than a phone')

  // The address has what is open.
  assert.match(page.url(), /#\/webhooks\/onRoundSettled$/)
  await page.reload()
  await page.waitForSelector('#operations-webhooks-onRoundSettled.is-open')
  assert.deepEqual(page.urls.filter((u) => !u.startsWith('data:') && new URL(u).host !== new URL(page.url()).host), [])
  assert.deepEqual(page.faults, [])
})
