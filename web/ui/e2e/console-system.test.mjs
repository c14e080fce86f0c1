// The console's Money, System and Settings.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { accessible, House, pictures, until } from './house.mjs'

let house

before(async () => {
  house = await House.open()
  house.cli('tenant', 'set', 'casino-x', '--credit-approval-above', '50000', '--reason', 'a test')
  const link = new URL(house.links['olivia@casino-x'])
  link.hash = `token=${house.cli('token', '--tenant', 'casino-x', '--subject', 'oscar', '--role', 'operator')}`
  house.links['oscar@casino-x'] = link.href
  sql(`insert into transfer (debit, credit, amount, kind, ref, player, at)
    select case when g % 2 = 0 then h.id else p.id end, case when g % 2 = 0 then p.id else h.id end, 100 + g / 2, case when g % 2 = 0 then 'refund' else 'stake' end, 'evening ' || g / 2, p.owner, now() - interval '1 day' + g * interval '1 second'
    from generate_series(0, 3999) g, account h, account p where h.kind = 'house' and p.kind = 'player' and p.owner = 'alice';`)
})
after(() => house?.close())

/** Runs SQL in the casino's schema. Each stake comes back, so that the books balance. */
function sql(text) {
  const file = join(house.dir, 'a.sql')
  writeFileSync(file, text)
  house.cli('tenant', 'exec', '--tenant', 'casino-x', '--file', file, '--write', '--reason', 'a test')
}

/** Asks the API by a key, and returns the status of the answer. */
const ask = (path, key) =>
  new Promise((resolve, reject) => {
    const { host } = new URL(house.links['olivia@casino-x'])
    request({ host: '127.0.0.1', port: house.port, path, headers: { host, authorization: `Bearer ${key}` } }, (res) => res.resume().once('end', () => resolve(res.statusCode))).once('error', reject).end()
  })

const path = (page) => new URL(page.url()).pathname + new URL(page.url()).search
const focused = (page, selector) => page.evaluate((s) => document.activeElement?.matches(s) ?? false, selector)
const light = { colorScheme: 'light' }
const dark = { colorScheme: 'dark' }
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }

/** Shows a place of the console. */
async function go(page, to, wait) {
  await page.waitForSelector('main h1') // links are followed by now
  await page.evaluate((href) => {
    const a = document.createElement('a')
    a.href = href
    document.body.append(a)
    a.click()
    a.remove()
  }, to)
  await page.waitForSelector(wait).catch(async (err) => assert.fail(`${err.message}\n${page.url()}: ${await page.textContent('main')} ${page.faults}`))
}
const shot = (page, name) => page.screenshot({ path: join(pictures, `console-${name}.png`) })

/** Fails if a page scrolls sideways. */
const fits = async (page, where) => assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, `${where} scrolls sideways`)

test('a ledger of thousands of rows is scrolled, filtered by its address, kept as CSV, and a credit of it is reversed', async () => {
  const olivia = await house.page('olivia@casino-x', light)
  await olivia.click('[data-tab=money]')
  await olivia.waitForSelector('tr[data-posting]')
  await accessible(olivia, 'the ledger')
  await shot(olivia, 'ledger-light')
  const scroller = olivia.locator('.scroller')
  const count = async () => Number(await olivia.getAttribute('[data-testid=count]', 'data-count'))
  for (let i = 0; i < 5; i++) {
    const had = await count()
    await scroller.evaluate((el) => (el.scrollTop = el.scrollHeight))
    await until('the next page comes', async () => (await count()) > had)
  }
  assert.ok((await olivia.locator('tr[data-posting]').count()) < 80, 'all rows are in the document')

  await olivia.click('[data-testid=filters]')
  await olivia.selectOption('select[name=kind]', 'stake')
  await olivia.fill('[name="amount.lt"]', '1.10')
  await olivia.press('[name="amount.lt"]', 'Enter')
  await olivia.fill('[name="amount.gte"]', '-1.10')
  await olivia.press('[name="amount.gte"]', 'Enter')
  await until('only some stakes are listed', async () => (await count()) === 11)
  await accessible(olivia, 'filters of the ledger')
  assert.match(path(olivia), /^\/console\/money\?kind=stake&amount\.lt=110&amount\.gte=-110$/)
  await shot(olivia, 'ledger-filters-light')
  const [file] = await Promise.all([olivia.waitForEvent('download'), olivia.click('[data-testid=csv]')])
  const lines = Buffer.concat(await (await file.createReadStream()).toArray()).toString().trim().split(/\r?\n/)
  assert.equal(lines.length, 12)
  assert.equal(lines[0], 'id,at,kind,player,amount,room,ref,command_id,reverses')

  await olivia.reload()
  await until('the address shows the same', async () => (await count().catch(() => 0)) === 11)
  await olivia.click('[data-show=""]')
  await olivia.waitForSelector('tr[data-kind=refund]')

  // A credit: its player is picked by the beginning of the id.
  await olivia.click('[data-do=credit]')
  await until('the player is asked for', () => focused(olivia, '[name=player]'))
  await olivia.keyboard.type('al')
  await olivia.waitForSelector('[data-offer=alice]')
  await accessible(olivia, 'picking a player')
  await shot(olivia, 'picker-light')
  await olivia.keyboard.press('ArrowDown')
  await olivia.keyboard.press('Enter')
  assert.equal(await olivia.inputValue('[name=player]'), 'alice')
  assert.ok(await focused(olivia, '[name=player]'), 'the focus has left the field')
  await olivia.getByText('Above €500.00', { exact: false }).or(olivia.getByText(/Above EUR\s500\.00/)).waitFor()
  await olivia.keyboard.press('Tab')
  await olivia.keyboard.type('12')
  await olivia.waitForSelector('[data-testid=dry-run][data-after]')
  await olivia.fill('[name=reason]', 'a slip of the pen')
  await olivia.keyboard.press('Enter')
  await olivia.waitForSelector('tr[data-kind=credit][data-amount="1200"]', { timeout: 15_000 })
  await olivia.click('tr[data-amount="1200"] [data-do=reverse]')
  await olivia.fill('[name=reason]', 'mended')
  await olivia.keyboard.press('Enter')
  await olivia.waitForSelector('tr[data-amount="-1200"]', { timeout: 15_000 })
  assert.equal(await olivia.locator('tr[data-amount="-1200"] [data-do=reverse]').count(), 0, 'a reversal can be reversed')

  await olivia.click('[data-show=trial-balance]')
  await olivia.waitForSelector('[data-testid=trial-balance]')
  await accessible(olivia, 'the trial balance')
  await shot(olivia, 'trial-balance-light')
  assert.deepEqual(olivia.faults, [])
  await olivia.context().close()
})

test('a credit above the limit is refused to who asked, in words, and approved by another person, by keyboard', async () => {
  const olivia = await house.page('olivia@casino-x', dark)
  await olivia.waitForSelector('tr[data-room]')
  await olivia.keyboard.press('Control+k')
  await olivia.keyboard.type('credit or debit')
  await olivia.keyboard.press('Enter')
  await olivia.fill('[name=player]', 'bob')
  await olivia.fill('[name=amount]', '600')
  await olivia.waitForSelector('[data-testid=needs-approval]')
  await olivia.fill('[name=again]', '600') // above the casino's own limit, which is below 1,000
  await olivia.fill('[name=reason]', 'a jackpot')
  await olivia.keyboard.press('Enter')
  await olivia.click('[data-approval] a')
  await olivia.waitForSelector('[data-testid=approval-details][data-state=open]')
  await olivia.waitForSelector('[data-after="160000"]')
  await accessible(olivia, 'an approval')
  await shot(olivia, 'approval-dark')
  await olivia.waitForSelector('[data-tab=money] [data-count="1"]', { timeout: 15_000 })
  assert.equal(await olivia.locator('[data-do=approve]').count(), 0)
  const own = new URL(olivia.url())
  own.searchParams.set('do', 'approve')
  own.searchParams.set('on', own.searchParams.get('open'))
  await go(olivia, own.href, '[data-testid=answer-approve]') // whoever knows the address can try
  await olivia.fill('[name=reason]', 'it is mine')
  await olivia.keyboard.press('Enter')
  await olivia.getByText('another person has to answer', { exact: false }).last().waitFor()
  await olivia.keyboard.press('Escape')

  const oscar = await house.page('oscar@casino-x', { ...light, ...phone })
  await oscar.waitForSelector('[data-tab=money] [data-count="1"]', { timeout: 15_000 })
  await oscar.click('[data-tab=money]')
  await oscar.click('[data-show=approvals]')
  await oscar.waitForSelector('li[data-approval]')
  await fits(oscar, 'approvals')
  await accessible(oscar, 'approvals on a phone')
  await shot(oscar, 'approvals-phone-light')
  await oscar.click('li[data-approval]')
  await oscar.waitForSelector('[data-do=approve]')
  await accessible(oscar, 'an approval on a phone')
  await shot(oscar, 'approval-phone-light')
  await oscar.click('[data-do=approve]')
  await until('the reason has the focus', () => focused(oscar, '[name=reason]'))
  await oscar.keyboard.press('Enter')
  await oscar.getByText('Say why', { exact: false }).waitFor()
  await oscar.keyboard.type('checked')
  await oscar.keyboard.press('Enter')
  await oscar.waitForSelector('[data-testid=approval-details][data-state=approved]')
  await oscar.waitForSelector('[data-before="100000"]')
  assert.equal(await oscar.locator('[data-tab=money] [data-count]').count(), 0, 'something still waits')
  await olivia.waitForSelector('[data-testid=approval-details][data-state=approved]')

  // One that is refused, and one that is taken back.
  for (const [who, does] of [[oscar, 'refuse'], [olivia, 'withdraw']]) {
    const id = crypto.randomUUID()
    await house.asOperator('/v1/players/bob/credit', { amount: 60_000, reason: 'another', command_id: id })
    await go(who, `/console/money/approvals?open=${id}`, `[data-do=${does}]`)
    await who.click(`[data-do=${does}]`)
    await who.fill('[name=reason]', 'no')
    await who.keyboard.press('Enter')
    await who.waitForSelector(`[data-testid=approval-details][data-state=${does === 'refuse' ? 'refused' : 'withdrawn'}]`)
  }
  assert.deepEqual(oscar.faults, [])
  assert.deepEqual(olivia.faults.filter((f) => !/403/.test(f)), [])
  await oscar.context().close()
  await olivia.context().close()
})

test('a key is made, works, is replaced, and is refused once it is revoked; its text is shown once', async () => {
  const olivia = await house.page('olivia@casino-x', { ...dark, permissions: ['clipboard-read', 'clipboard-write'] })
  await olivia.waitForSelector('tr[data-room]')
  await olivia.keyboard.press('Control+k')
  await olivia.keyboard.type('create a key')
  await olivia.keyboard.press('Enter')
  await until('the name has the focus', () => focused(olivia, '[name=name]'))
  await olivia.keyboard.press('Enter')
  await olivia.getByText('This is needed.').waitFor()
  await olivia.keyboard.type('wallet')
  await olivia.keyboard.press('Enter')
  await olivia.getByText('Choose what the key may do.').waitFor()
  await accessible(olivia, 'making a key')
  await olivia.check('input[value="players:read"]')
  await olivia.fill('[name=addresses]', 'somewhere')
  await olivia.fill('[name=reason]', 'the wallet')
  await olivia.keyboard.press('Enter')
  await until('the wrong address is said beside its field', async () => (await olivia.getAttribute('[name=addresses]', 'aria-invalid')) === 'true')
  await shot(olivia, 'new-key-dark')
  await olivia.fill('[name=addresses]', '127.0.0.1')
  await olivia.press('[name=addresses]', 'Enter')
  const text = await olivia.textContent('[data-testid=secret-text]')
  assert.match(text, /^pitboss_/)
  await accessible(olivia, 'a secret')
  await shot(olivia, 'secret-dark')
  await olivia.keyboard.press('Escape')
  await olivia.getByText('It cannot be shown again.', { exact: false }).waitFor()
  await olivia.getByText('Copy', { exact: true }).click()
  assert.equal(await olivia.evaluate(() => navigator.clipboard.readText()), text)
  await olivia.keyboard.press('Escape')
  const key = olivia.locator('tr[data-key]').filter({ hasText: 'wallet' })
  await key.waitFor()
  await until('the key works', async () => (await ask('/v1/players', text)) === 200)
  assert.equal(await ask('/v1/audit', text), 403)
  await accessible(olivia, 'keys')
  await shot(olivia, 'keys-dark')

  await key.locator('[data-do=rotate]').click()
  await olivia.selectOption('select[name=overlap]', '3600')
  await olivia.fill('[name=reason]', 'yearly')
  await olivia.keyboard.press('Enter')
  const next = await olivia.textContent('[data-testid=secret-text]')
  assert.notEqual(next, text)
  await olivia.click('[data-testid=secret-kept]')
  await olivia.waitForSelector('tr[data-state=replaced]')
  await until('the new key works', async () => (await ask('/v1/players', next)) === 200)
  await olivia.click('tr[data-state=active] [data-do=revoke]')
  await olivia.fill('[name=reason]', 'lost')
  await olivia.keyboard.press('Enter')
  await olivia.waitForSelector('tr[data-state=revoked]')
  await until('the key is refused', async () => (await ask('/v1/players', next)) === 401)
  assert.equal(await ask('/v1/players', text), 200) // the one before has its hour yet
  assert.deepEqual(olivia.faults.filter((f) => !/400/.test(f)), [])
  await olivia.context().close()
})

test('a webhook whose delivery fails is seen with its error, sent again once its server is mended, paused, and deleted', async () => {
  let status = 500
  const got = []
  const server = createServer((req, res) => {
    got.push(req.headers['webhook-id'])
    req.resume().once('end', () => res.writeHead(status).end())
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${server.address().port}/told`
  const olivia = await house.page('olivia@casino-x', light)
  await olivia.click('[data-tab=system]')
  await olivia.waitForSelector('tr[data-node]')
  await accessible(olivia, 'nodes')
  await shot(olivia, 'nodes-light')
  await olivia.click('[data-show=webhooks]')
  await olivia.getByText('No endpoint yet.', { exact: false }).waitFor()
  await olivia.click('[data-do=new-webhook]')
  await olivia.fill('[name=url]', 'not a URL')
  await olivia.fill('[name=reason]', 'the ledger')
  await olivia.keyboard.press('Enter')
  await until('the wrong URL is said beside its field', async () => (await olivia.getAttribute('[name=url]', 'aria-invalid')) === 'true')
  await olivia.fill('[name=url]', url)
  await olivia.check('input[value="player.credited"]')
  await accessible(olivia, 'adding an endpoint')
  await shot(olivia, 'new-webhook-light')
  await olivia.press('[name=url]', 'Enter')
  assert.match(await olivia.textContent('[data-testid=secret-text]'), /^whsec_/)
  await olivia.click('[data-testid=secret-kept]')
  await olivia.waitForSelector('[data-testid=endpoint-state]')
  await olivia.click('[data-do=test]')
  await olivia.fill('[name=reason]', 'does it answer?')
  await olivia.keyboard.press('Enter')
  await olivia.waitForSelector('tr[data-delivery][data-attempts="1"]', { timeout: 20_000 })
  assert.match(await olivia.textContent('tr[data-delivery]'), /500/)
  await accessible(olivia, 'an endpoint')
  await shot(olivia, 'endpoint-light')

  // What was given up is sent again by hand.
  sql(`update webhook_delivery set state = 'dropped', next_at = null where state = 'pending';`)
  await olivia.reload() // nothing signals what is done by hand
  await olivia.waitForSelector('tr[data-delivery][data-state=dropped]')
  status = 204
  await olivia.click('tr[data-delivery] [data-do=replay]')
  await olivia.fill('[name=reason]', 'mended')
  await olivia.keyboard.press('Enter')
  await olivia.waitForSelector('tr[data-delivery][data-state=delivered]', { timeout: 20_000 })
  assert.equal(new Set(got).size, 1, 'it came under another id')
  await olivia.click('[data-testid=filters]')
  await olivia.selectOption('select[name=state]', 'dropped')
  await olivia.waitForSelector('[data-testid=empty]')
  assert.match(path(olivia), /^\/console\/system\/webhooks\?state=dropped&open=/)
  await olivia.click('[data-testid=empty] button')
  await olivia.waitForSelector('tr[data-delivery]')

  await olivia.click('[data-do=pause]')
  await olivia.fill('[name=reason]', 'maintenance')
  await olivia.keyboard.press('Enter')
  await olivia.click('[data-do=resume]')
  await olivia.fill('[name=reason]', 'over')
  await olivia.keyboard.press('Enter')
  await olivia.click('[data-do=change]')
  await olivia.fill('[name=description]', 'the bookkeeper')
  await olivia.fill('[name=reason]', 'named')
  await olivia.keyboard.press('Enter')
  await olivia.getByText('the bookkeeper', { exact: false }).waitFor()
  await olivia.click('.about [data-do=rotate]')
  await olivia.fill('[name=reason]', 'yearly')
  await olivia.keyboard.press('Enter')
  assert.match(await olivia.textContent('[data-testid=secret-text]'), /^whsec_/)
  await olivia.click('[data-testid=secret-kept]')
  await olivia.click('[data-do=delete]')
  await olivia.fill('[name=reason]', 'over')
  await olivia.keyboard.press('Enter')
  await olivia.getByText('No endpoint yet.', { exact: false }).waitFor()
  assert.deepEqual(olivia.faults.filter((f) => !/400/.test(f)), [])
  await olivia.context().close()
  server.close()
})

test('a limit that the casino met is listed with what to do, beside those of its plan', async () => {
  const olivia = await house.page('olivia@casino-x', dark)
  await go(olivia, '/console/system/limits', 'tr[data-plan=rooms]')
  await olivia.getByText('Without a plan').waitFor()
  house.cli('plan', 'set', 'small', '--rooms', '2', '--reason', 'a test')
  house.cli('tenant', 'set', 'casino-x', '--plan', 'small', '--reason', 'a test')
  await until('a table too many is refused', () => house.asOperator('/v1/rooms', { room: `more-${Date.now()}`, game: 'roulette', name: 'One more', settings: {} }).then(() => false, () => true))
  await olivia.waitForSelector('tr[data-limit=rooms]', { timeout: 25_000 })
  assert.match(await olivia.textContent('tr[data-limit=rooms]'), /larger plan/)
  await olivia.waitForSelector('tr[data-plan=rooms] meter')
  await accessible(olivia, 'limits')
  await shot(olivia, 'limits-dark')
  await olivia.context().close()
})

test('the brand is changed with a preview, what cannot be read is refused beside its colour, and players see it', async () => {
  const olivia = await house.page('olivia@casino-x', light)
  await olivia.click('[data-tab=settings]')
  await olivia.waitForSelector('[data-testid=brand]')
  await olivia.waitForSelector('[data-fact]')
  await accessible(olivia, 'settings')
  await shot(olivia, 'settings-light')
  await olivia.click('[data-do=brand]')
  await olivia.fill('[name=name]', 'Grand Casino')
  await olivia.fill('input[name=muted]', '#1a2b24')
  await olivia.fill('[name=reason]', 'a new look')
  await olivia.press('[name=reason]', 'Enter')
  await olivia.locator('[role=alert]').filter({ hasText: 'contrast' }).waitFor()
  await accessible(olivia, 'a brand that cannot be read', 'color-contrast') // of its preview
  await shot(olivia, 'brand-error-light')
  await olivia.getByRole('button', { name: 'Reset Muted text' }).click()
  await olivia.fill('input[name=accent]', '#7fd1ff')
  await olivia.press('[name=reason]', 'Enter')
  await olivia.waitForSelector('[data-testid=brand][data-name="Grand Casino"]')
  await olivia.click('[data-do=logo]')
  await olivia.setInputFiles('[name=logo]', { name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('no image') })
  await olivia.getByText('This is not a PNG', { exact: false }).waitFor()
  await olivia.setInputFiles('[name=logo]', { name: 'a.png', mimeType: 'image/png', buffer: Buffer.from('iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAAAAAA6mKC9AAAADUlEQVR4nGNgGAXIAAABEAABoJMRpQAAAABJRU5ErkJggg==', 'base64') })
  await olivia.waitForSelector('dialog img')
  await accessible(olivia, 'choosing a logo')
  await olivia.fill('[name=reason]', 'a logo')
  await olivia.keyboard.press('Enter')
  await olivia.waitForSelector('[data-testid=brand] img')
  await shot(olivia, 'settings-branded-light')

  const alice = await house.page('alice@casino-x')
  await alice.waitForFunction(() => document.title.includes('Grand Casino'))
  await until('the page has its colour', () => alice.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--accent').trim() === '#7fd1ff'))
  await alice.context().close()
  assert.deepEqual(olivia.faults.filter((f) => !/400/.test(f)), [])
  await olivia.context().close()
})

for (const [name, look] of [['dark', { ...dark, ...phone }], ['light', { ...light, ...phone, locale: 'ar' }]]) {
  test(`money, system and settings fit a phone, ${name}${look.locale ? ', read from the right' : ''}`, async () => {
    const olivia = await house.page('olivia@casino-x', look)
    await house.asOperator('/v1/players/bob/credit', { amount: 60_000, reason: 'a jackpot', command_id: crypto.randomUUID() })
    await house.asOperator('/v1/keys', { name: 'robot', scopes: ['rooms:read', 'rooms:write', 'players:read'], reason: 'a test' })
    for (const [to, wait, as] of [
      ['money', 'li[data-posting]', 'ledger'], ['money/trial-balance', '[data-testid=trial-balance]', 'trial-balance'], ['money/approvals', 'li[data-approval]', 'approvals'], ['system', 'tr[data-node]', 'nodes'],
      ['system/keys', 'tr[data-key]', 'keys'], ['system/webhooks', 'tbody tr', 'webhooks'], ['system/limits', 'tr[data-plan=rooms]', 'limits'], ['settings', '[data-fact]', 'settings'],
      ['system/keys?do=new-key', '[data-testid=create-key]', 'new-key'], ['settings?do=brand', '[data-testid=save-brand]', 'brand'],
    ]) {
      await go(olivia, `/console/${to}`, wait)
      await fits(olivia, to)
      await accessible(olivia, `${to} on a phone`)
      await shot(olivia, `${as}-phone-${name}`)
    }
    assert.deepEqual(olivia.faults, [])
    await olivia.context().close()
  })
}
