// A casino in maintenance, beside one that plays on.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { accessible, at, balance, House, pictures, sit, until } from './house.mjs'

let house

before(async () => {
  house = await House.open()
})
after(() => house?.close())

const rests = '[data-testid=maintenance]'
/** That the page and the API answer 503 is what these tests are about. */
const faults = (page) => page.faults.filter((f) => !f.includes('503'))
const maintain = (...more) => house.cli('tenant', 'maintenance', 'lucky-star', '--reason', 'a test', ...more)
const resume = () => house.cli('tenant', 'resume', 'lucky-star')

test('an open table of a casino in maintenance says so in its brand, another casino plays on, and it comes back by itself with its seat and money', async () => {
  const [alice, carol, olivia] = await Promise.all([house.page('alice@casino-x'), house.page('carol@lucky-star'), house.page('olivia@lucky-star')])
  const url = await alice.evaluate(() => {
    const c = document.createElement('canvas')
    c.width = c.height = 64
    const g = c.getContext('2d')
    g.fillStyle = '#7fd1ff'
    g.fillRect(8, 8, 48, 48)
    return c.toDataURL('image/webp')
  })
  writeFileSync(join(house.dir, 'logo'), Buffer.from(url.split(',')[1], 'base64'))
  house.cli('tenant', 'brand', 'lucky-star', '--name', 'Lucky <Star>', '--logo', 'logo', '--accent', '7fd1ff', '--reason', 'test')
  await until('the page has the brand', async () => {
    await carol.reload()
    return (await carol.getAttribute('link[rel=icon]', 'href')).includes('brand/logo') // the title may come with the session, to a page of before
  })
  await Promise.all([sit(alice, 'roulette-1'), sit(carol, 'roulette-1')])
  await carol.click('[data-chip="500"]')
  await carol.click(at('red'))
  await carol.waitForSelector('[data-mine="red"][data-amount="500"]')

  maintain('--for', '20s')
  await carol.waitForSelector(rests)
  await carol.waitForSelector('[data-testid=back-at]:has-text("likely")') // when, is asked for
  assert.match(await carol.textContent(rests), /Lucky <Star>.*is in maintenance/s)
  assert.equal(await carol.evaluate(() => document.querySelector('main [data-testid=logo]').naturalWidth), 64)
  assert.equal(await carol.evaluate(() => getComputedStyle(document.querySelector('main')).borderTopColor), 'rgb(127, 209, 255)')
  await accessible(carol, 'maintenance')
  await carol.screenshot({ path: join(pictures, 'maintenance.png') })

  // Staff are let in, and see it.
  await olivia.waitForSelector(rests, { timeout: 15_000 })
  await olivia.screenshot({ path: join(pictures, 'maintenance-console.png') })

  // The other casino notices nothing.
  const had = await balance(alice)
  await alice.waitForSelector('[data-phase=betting]')
  await alice.click('[data-chip="500"]')
  await alice.click(at('black'))
  await alice.waitForSelector('[data-mine="black"][data-amount="500"]')
  assert.equal(await alice.locator(rests).count(), 0)
  assert.ok((await balance(alice)) <= had)

  resume()
  await carol.waitForSelector('[data-phase]', { timeout: 60_000 })
  assert.equal(await carol.locator(rests).count(), 0)
  assert.equal(new URL(carol.url()).pathname, '/play/t/roulette-1')
  await until('her money is what the casino says', async () => Number.isInteger(await balance(carol)))
  await carol.waitForSelector('[data-phase=betting]')
  await carol.click(at('black'))
  await carol.waitForSelector('[data-mine="black"]')
  await until('the console is told that it is over', async () => (await olivia.locator(rests).count()) === 0, 15_000)
  assert.deepEqual([...faults(alice), ...faults(carol), ...faults(olivia)], [])
  // Who opens another page takes over from this one, and the other way round.
  await Promise.all([alice, carol, olivia].map((page) => page.context().close()))
})

for (const [locale, words, dir] of [['en', /in maintenance/, 'ltr'], ['de', /gewartet/, 'ltr'], ['es', /en mantenimiento/, 'ltr'], ['ar', /قيد الصيانة/, 'rtl']]) {
  test(`a page that is opened in maintenance says so in ${locale}, signed in or not, and shows the casino when it is over`, async () => {
    maintain()
    const options = { locale, viewport: { width: 390, height: 844 } }
    house.links.stranger = `${new URL(house.links['carol@lucky-star']).origin}/play`
    const stranger = await house.page('stranger', options)
    await until('the node knows', async () => (await stranger.reload()).status() === 503)
    let status
    const carol = await house.page('carol@lucky-star', options, async (page) => page.on('response', (r) => (status = r.request().isNavigationRequest() ? r.status() : status)))
    await carol.waitForSelector(rests)
    assert.equal(status, 503)
    assert.match(await carol.textContent(rests), words)
    assert.equal(await carol.evaluate(() => document.documentElement.dir), dir)
    await stranger.waitForSelector(rests)
    assert.match(await stranger.textContent(rests), words)
    await accessible(carol, `maintenance in ${locale}`)
    await carol.screenshot({ path: join(pictures, `maintenance-${locale}.png`) })
    resume()
    await carol.waitForSelector('[data-room]', { timeout: 60_000 })
    assert.ok(Number.isInteger(await balance(carol)))
    await stranger.waitForSelector('main.gate:not([data-testid])', { timeout: 60_000 })
    assert.deepEqual([...faults(carol), ...faults(stranger)], [])
    await Promise.all([carol.context().close(), stranger.context().close()])
  })
}

test('a browser is told in words that a casino is suspended', async () => {
  house.cli('tenant', 'suspend', 'lucky-star', '--reason', 'a test')
  const link = new URL(house.links['carol@lucky-star'])
  house.links.suspended = `${link.origin}/play`
  const page = await house.page('suspended', { locale: 'de' })
  await until('it is suspended', async () => {
    await page.reload()
    return (await page.textContent('main')).includes('Das Casino ist geschlossen.')
  })
  await accessible(page, 'suspended')
  await page.screenshot({ path: join(pictures, 'suspended.png') })
  assert.deepEqual(page.faults.filter((f) => !f.includes('403') && !f.includes('503')), [])
  resume()
})
