// A casino in its own look, beside one without.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { House, pictures, sit, until } from './house.mjs'

let house

before(async () => {
  house = await House.open()
})
after(() => house?.close())

/** Keeps what the page's policy refuses in page.refused. */
const watch = async (page) => {
  page.refused = []
  await page.exposeFunction('refused', (what) => page.refused.push(what))
  await page.addInitScript(() => addEventListener('securitypolicyviolation', (e) => window.refused(`${e.violatedDirective} ${e.blockedURI}`)))
}

const variable = (page, name) => page.evaluate((n) => getComputedStyle(document.documentElement).getPropertyValue(n).trim(), name)
const felt = (page) => page.evaluate(() => getComputedStyle(document.querySelector('[data-position]').closest('svg')).backgroundColor)

test('a brand is seen at its casino, after a reload and within the policy, and at no other', async () => {
  const [alice, carol] = await Promise.all([house.page('alice@casino-x', {}, watch), house.page('carol@lucky-star', {}, watch)])
  await Promise.all([sit(alice, 'roulette-1'), sit(carol, 'roulette-1')])
  const own = { accent: await variable(alice, '--accent'), felt: await felt(alice) }
  assert.deepEqual({ accent: await variable(carol, '--accent'), felt: await felt(carol) }, own)

  const url = await alice.evaluate(() => {
    const c = document.createElement('canvas')
    c.width = c.height = 64
    c.getContext('2d').fillRect(8, 8, 48, 48)
    return c.toDataURL('image/webp')
  })
  assert.match(url, /^data:image\/webp;base64,/)
  writeFileSync(join(house.dir, 'logo'), Buffer.from(url.split(',')[1], 'base64'))
  house.cli('tenant', 'brand', 'lucky-star', '--name', 'Lucky <Star>', '--logo', 'logo', '--accent', '7fd1ff', '--felt', '1d3f73', '--radius', '0', '--reason', 'test')
  await until('the page has the brand', async () => {
    await carol.reload()
    return (await variable(carol, '--accent')) === '#7fd1ff' // the name alone may come over the socket of an older page
  })
  await carol.waitForSelector('[data-phase=betting]')
  assert.equal(await felt(carol), 'rgb(29, 63, 115)')
  await until('the title is the brand', async () => (await carol.title()).endsWith('Lucky <Star>'))
  assert.equal(await variable(carol, '--radius'), '0px')
  assert.equal(await carol.evaluate(() => getComputedStyle(document.querySelector('[data-testid=balance]')).color), 'rgb(127, 209, 255)')
  await carol.waitForSelector('header :text("Lucky <Star>")')
  const logo = await carol.evaluate(async () => {
    const image = new Image()
    image.src = document.querySelector('link[rel=icon]').href
    await image.decode()
    return { width: image.naturalWidth, path: new URL(image.src).pathname }
  })
  assert.deepEqual(logo, { width: 64, path: '/brand/logo' })
  assert.equal(await carol.evaluate(() => document.querySelector('[data-testid=logo]').naturalWidth), 64)
  assert.equal(await alice.locator('[data-testid=logo]').count(), 0)
  await carol.screenshot({ path: join(pictures, 'brand.png') })

  // The page that verifies a round is the casino's too.
  const verify = await carol.context().newPage()
  await watch(verify)
  await verify.goto(new URL('/verify', carol.url()).href)
  await verify.waitForSelector('header :text("Lucky <Star>")')
  assert.equal(await verify.title(), 'Lucky <Star>')
  assert.equal(await verify.evaluate(() => getComputedStyle(document.querySelector('button.primary')).backgroundColor), 'rgb(127, 209, 255)')
  assert.equal(await verify.evaluate(async () => {
    const image = new Image()
    image.src = document.querySelector('link[rel=icon]').href
    await image.decode()
    return new URL(image.src).pathname
  }), '/brand/logo')
  assert.deepEqual(verify.refused, [])
  await verify.screenshot({ path: join(pictures, 'brand-verify.png') })
  await verify.close()

  await alice.reload()
  await alice.waitForSelector('[data-phase=betting]')
  assert.deepEqual({ accent: await variable(alice, '--accent'), felt: await felt(alice) }, own)

  house.cli('tenant', 'brand', 'lucky-star', '--clear', '--reason', 'test')
  await until('the page is as before', async () => {
    await carol.reload()
    return !(await carol.title()).includes('<Star>') && (await variable(carol, '--accent')) === own.accent
  })
  assert.equal(await variable(carol, '--accent'), own.accent)
  for (const p of [alice, carol]) {
    assert.deepEqual(p.refused, [])
    assert.deepEqual(p.faults, [])
    await p.context().close()
  }
})
