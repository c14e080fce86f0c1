// The platform's console: a third casino from its first to its last day, and what goes wrong.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { accessible, at, balance, House, pictures, sit, until } from './house.mjs'

let house

before(async () => {
  house = await House.open()
})
after(() => house?.close())

const path = (page) => new URL(page.url()).pathname + new URL(page.url()).search
const light = { colorScheme: 'light' }
const dark = { colorScheme: 'dark' }
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
const picture = (page, name) => page.screenshot({ path: join(pictures, `platform-${name}.png`) })

/** Fails if a page scrolls sideways. */
async function fits(page, where) {
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, `${where} scrolls sideways`)
}

/** Gives a command to the database as its owner. */
function sql(text) {
  const [, url] = /^PITBOSS_ADMIN_DATABASE_URL=(.*)$/m.exec(readFileSync(join(house.dir, 'data', 'env'), 'utf8'))
  const r = spawnSync('psql', [url, '-qAtc', text], { encoding: 'utf8' })
  assert.equal(r.status, 0, r.stderr)
  return r.stdout.trim()
}

/** Returns the status with which a host answers a path. */
const status = (host, path) =>
  new Promise((resolve, reject) => request({ host: '127.0.0.1', port: house.port, path, headers: { host } }, (res) => res.resume().once('end', () => resolve(res.statusCode))).once('error', reject).end())

/** Fills in the fields of a dialog and sends it. */
async function ask(page, id, values) {
  await page.waitForSelector(`[data-testid="${id}"]`)
  for (const [name, value] of Object.entries(values)) {
    const field = page.locator(`dialog [name="${name}"]`)
    if ((await field.evaluate((e) => e.tagName)) === 'SELECT') await field.selectOption(value)
    else await field.fill(value)
  }
  await page.click(`[data-testid="${id}"]`)
}

/** Waits until the dialog is gone. */
const gone = (page) => until('the dialog is gone', async () => (await page.locator('dialog').count()) === 0)

test('a third casino is created, entered within a second, played at, and archived with its slug typed back', async () => {
  const ada = await house.page('platform', dark)
  await ada.waitForSelector('[data-casino=casino-x]')
  assert.equal(path(ada), '/platform/casinos')
  assert.equal(new URL(ada.url()).hash, '', 'the key is still in the address')
  await accessible(ada, 'casinos')
  await picture(ada, 'casinos-dark')

  await ada.click('[data-testid=create]')
  await ada.click('[data-testid=create]:is(dialog *)')
  await ada.getByText('Enter a name.').waitFor()
  await ada.fill('[name=name]', 'The Third House')
  assert.equal(await ada.inputValue('[name=slug]'), 'the-third-house')
  assert.equal(await ada.inputValue('[name=domains]'), 'the-third-house.localhost')
  await accessible(ada, 'creating')
  await picture(ada, 'create-dark')
  const began = Date.now()
  await ada.press('[name=name]', 'Enter')
  await ada.waitForSelector('[data-testid=enter-link]')
  const link = await ada.getAttribute('[data-testid=enter-link]', 'href')
  assert.match(link, new RegExp(`^http://the-third-house\\.localhost:${house.port}/console#token=`))
  await accessible(ada, 'created')
  await picture(ada, 'created-dark')
  const [staff] = await Promise.all([ada.context().waitForEvent('page'), ada.press('[data-testid=enter-link]', 'Enter')])
  staff.faults = []
  staff.on('pageerror', (e) => staff.faults.push(e.message))
  await staff.waitForSelector('[data-testid=connection][data-state=open]')
  console.log(`from the form to the casino's console: ${Date.now() - began} ms`)

  // Its first table, and the first round at it.
  await staff.goto(new URL('/console/tables', link).href)
  await staff.waitForSelector('[data-testid=open-dialog]')
  const token = new URLSearchParams(new URL(link).hash.slice(1)).get('token')
  const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))
  assert.ok(claims.sub.startsWith('platform:') && claims.role === 'operator' && claims.exp - claims.iat <= 3600, JSON.stringify(claims))
  const post = (path, body) => staff.evaluate(async ([path, body, token]) => (await fetch(path, { method: 'POST', headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }, body: JSON.stringify(body) })).status, [path, body, token])
  await staff.click('[data-testid=open-dialog]')
  await staff.fill('[name=room]', 'baccarat-1')
  await staff.click('dialog button.primary')
  await staff.waitForSelector('[data-room=baccarat-1]')
  assert.equal(await post('/v1/players/alice/credit', { amount: 5000, reason: 'welcome', command_id: crypto.randomUUID() }), 200)
  house.links.alice = `${new URL(link).origin}/play#token=${house.cli('token', '--tenant', 'the-third-house', '--subject', 'alice')}`
  const alice = await house.page('alice')
  await sit(alice, 'baccarat-1')
  await alice.click(at('player'))
  await alice.waitForSelector('[data-mine=player]')
  await until('the stake is taken', async () => (await balance(alice)) === 4900)
  await alice.waitForSelector('[data-phase=settled]', { timeout: 60_000 })
  assert.deepEqual(alice.faults, [])
  await alice.context().close()

  // The end: it is suspended, then archived, with its slug typed back.
  await ada.keyboard.press('Escape')
  await gone(ada)
  assert.equal(path(ada), '/platform/casinos/the-third-house')
  await ada.waitForSelector('[data-status=active]')
  await accessible(ada, 'a casino')
  await picture(ada, 'casino-dark')
  assert.equal(await ada.locator('[data-do=archive]').count(), 0, 'it can be archived while it is open')
  await ada.click('[data-do=suspend]')
  await ask(ada, 'suspend', {})
  await ada.getByText('Say why: it is kept in the audit log.').waitFor()
  await ask(ada, 'suspend', { reason: 'the licence ends' })
  await ada.waitForSelector('[data-status=suspended]')
  await staff.waitForSelector('[data-testid=stopped], [data-testid=connection]:not([data-state=open])')
  await ada.click('[data-do=archive]')
  await ask(ada, 'archive', { again: 'the-third-hose', reason: 'the licence ended' })
  await ada.getByText('This is not the-third-house.').waitFor()
  await accessible(ada, 'archiving')
  await picture(ada, 'archive-dark')
  await ask(ada, 'archive', { again: 'the-third-house' })
  await ada.waitForSelector('[data-testid=drawer] [data-job=done]', { timeout: 60_000 })
  assert.match(path(ada), /^\/platform\/jobs\?open=[0-9a-f-]{36}$/)
  await accessible(ada, 'a job')
  await picture(ada, 'job-dark')
  await ada.click('[data-testid=drawer] h3 a')
  await ada.waitForSelector('[data-status=archived]')
  assert.ok((await ada.locator('[data-do=resume]').count()) === 1 && (await ada.locator('[data-do=enter]').count()) === 0)
  await ada.click('[data-do=purge]')
  await ask(ada, 'purge', { again: 'the-third-house', reason: 'at once' })
  await ada.waitForSelector('[data-job=failed]') // a job that fails says why
  assert.match(await ada.textContent('[data-testid=why]'), /cannot be purged yet/)
  await picture(ada, 'job-failed-dark')
  await accessible(ada, 'a job that failed')
  await staff.close()
  assert.deepEqual(ada.faults.filter((f) => !/status of 4\d\d/.test(f)), [])
  await ada.context().close()
})

test('a casino is changed from its page and from the palette; what is refused is said at its field; Back and a copied link show the same', async () => {
  const ada = await house.page('platform', light)
  await ada.waitForSelector('[data-casino=lucky-star]')
  await ada.click('[data-casino=lucky-star] td:nth-child(2)')
  await ada.waitForSelector('[data-testid=drawer] [data-status=trial]')
  assert.equal(path(ada), '/platform/casinos?open=lucky-star')
  await accessible(ada, 'a drawer')
  await picture(ada, 'drawer-light')
  const copy = await ada.context().newPage()
  await copy.goto(`${ada.url()}${new URL(house.links.platform).hash}`)
  await copy.waitForSelector('[data-testid=drawer] [data-status=trial]')
  assert.equal(path(copy), path(ada))
  await copy.close()
  await ada.click('[data-testid=full-page]')
  await ada.waitForSelector('[data-domain="lucky-star.localhost"]')

  await ada.click('[data-do=add-domain]')
  await ask(ada, 'add-domain', { domain: 'casino-x.localhost', reason: 'a test' })
  await ada.getByText(/casino-x.localhost is casino-x's/).waitFor()
  await ask(ada, 'add-domain', { domain: 'stars.localhost' })
  await ada.waitForSelector('[data-domain="stars.localhost"]')
  await gone(ada)
  await ada.click('[data-domain="stars.localhost"] [data-do=primary]')
  await ask(ada, 'primary', { reason: 'a test' })
  await ada.waitForSelector('[data-domain]:first-child[data-domain="stars.localhost"]')
  await gone(ada)
  await ada.click('[data-domain="lucky-star.localhost"] [data-do=primary]')
  await ask(ada, 'primary', { reason: 'a test' })
  await ada.waitForSelector('[data-domain]:first-child[data-domain="lucky-star.localhost"]')
  await gone(ada)
  await ada.click('[data-domain="stars.localhost"] [data-do=remove-domain]')
  await ask(ada, 'remove-domain', { reason: 'a test' })
  await until('the domain is gone', async () => (await ada.locator('[data-domain="stars.localhost"]').count()) === 0)
  await gone(ada)

  house.cli('plan', 'set', 'small', '--sockets', '100', '--reason', 'a test')
  await ada.click('[data-do=set]')
  await ask(ada, 'set', { credit_approval_above: 'much', reason: 'a test' })
  await ada.getByText('This is not an amount.').waitFor()
  await ask(ada, 'set', { credit_approval_above: '1,500.00', plan: 'small' })
  await gone(ada)
  await ada.getByText('1,500.00').waitFor()
  await ada.getByText('small', { exact: true }).waitFor()

  await ada.click('[data-do=key]')
  await ask(ada, 'key', { name: 'wallet', scopes: 'rooms:fly', reason: 'a test' })
  await ada.locator('dialog [role=alert]').filter({ hasText: 'rooms:fly' }).waitFor()
  await ask(ada, 'key', { scopes: 'rooms:read money:write' })
  await ada.waitForSelector('[data-testid=secret]')
  assert.match(await ada.textContent('[data-testid=secret]'), /^pitboss_[0-9a-z]{10}_[0-9a-z]{59}$/)
  await accessible(ada, 'a new key')
  await ada.keyboard.press('Escape')
  await gone(ada)

  await ada.keyboard.press('Control+k')
  await ada.keyboard.type('suspend lucky')
  await ada.waitForSelector('[data-entry="suspend lucky-star"][aria-selected=true]')
  await accessible(ada, 'the palette')
  await picture(ada, 'palette-light')
  await ada.keyboard.press('Enter')
  await ask(ada, 'suspend', { reason: 'a test' })
  await ada.waitForSelector('[data-status=suspended]')
  await gone(ada)
  await ada.click('[data-do=resume]')
  await ask(ada, 'resume', {})
  await ada.waitForSelector('[data-status=trial]')
  await gone(ada)
  await ada.click('[data-do=maintain]')
  await ask(ada, 'maintain', { reason: 'a test' })
  await ada.waitForSelector('[data-status=maintenance]')
  await gone(ada)
  await ada.click('[data-do=resume]')
  await ask(ada, 'resume', {})
  await ada.waitForSelector('[data-status=trial]')
  await gone(ada)
  await ada.click('[data-do=rename]')
  await ask(ada, 'rename', { to: 'casino-x', reason: 'a test' })
  await ada.getByText('A casino has, or had, this slug.').waitFor()
  await ask(ada, 'rename', { to: 'bright-star' })
  await ada.waitForSelector('[data-casino=bright-star] [data-status=trial]')
  assert.equal(path(ada), '/platform/casinos/bright-star')

  await ada.keyboard.press('g')
  await ada.keyboard.press('a')
  await ada.waitForSelector('[data-action="tenant.rename"]')
  await accessible(ada, 'audit')
  await picture(ada, 'audit-light')
  await ada.keyboard.press('g')
  await ada.keyboard.press('j')
  await ada.waitForSelector('[data-kind="tenant.rename"][data-row-state=done]')
  await accessible(ada, 'jobs')
  await picture(ada, 'jobs-light')
  await ada.goBack()
  await ada.waitForSelector('[data-action="tenant.rename"]')
  assert.deepEqual(ada.faults.filter((f) => !/status of 4\d\d/.test(f)), [])
  await ada.context().close()
})

test('migration is planned, fails at a canary, is paused and goes on; drift and the doctor report; nodes and rooms are listed', async () => {
  const ada = await house.page('platform', dark)
  await ada.click('[data-tab=migration]')
  await ada.waitForSelector('[data-testid=behind][data-count="0"]')
  await ada.click('[data-do=plan]')
  await ada.getByText('Nothing is behind: a migration would do nothing.').waitFor()

  // A casino whose tables are not as its version says cannot be migrated.
  const version = Number(sql(`select schema_version from platform.tenant where slug = 'casino-x'`))
  sql(`update platform.tenant set schema_version = ${version - 1} where slug = 'casino-x'`)
  await ada.waitForSelector('[data-testid=behind][data-count="1"]')
  await ada.click('[data-do=plan]')
  await ada.click('[data-testid=plan] summary:has(code)')
  await accessible(ada, 'a plan')
  await picture(ada, 'plan-dark')
  await ada.click('[data-do=migrate]')
  await ask(ada, 'migrate', { canaries: 'casino-x' })
  await gone(ada)
  await ada.waitForSelector('[data-run=failed]')
  await ada.waitForSelector('[data-failure=casino-x]')
  await accessible(ada, 'a migration that failed')
  await picture(ada, 'migration-failed-dark')
  sql(`update platform.tenant set schema_version = ${version} where slug = 'casino-x'`)

  // One that is paused goes on, with a reason.
  sql(`update platform.tenant set rights = '' where slug in ('casino-x', 'bright-star', 'lucky-star')`)
  sql(`insert into platform.migration_run (target, max_failures, state, reason, started_by) values (${version}, 5, 'paused', 'peak hours', 'somebody')`)
  await ada.waitForSelector('[data-run=paused]')
  await ada.click('[data-do=go-on]')
  await ask(ada, 'go-on', { reason: 'it is night' })
  await ada.waitForSelector('[data-run=done] [data-testid=progress][data-done="2"]')
  await picture(ada, 'migration-done-dark')
  await ada.keyboard.press('Control+k')
  await ada.keyboard.type('pause')
  await ada.keyboard.press('Enter')
  assert.equal(await ada.locator('dialog').count(), 0, 'what cannot be paused is paused')

  await ada.click('[data-tab=checks]')
  await ada.click('button[data-do=drift]')
  await ada.waitForSelector('[data-testid=drift-ok][data-ok=true]', { timeout: 60_000 })
  await ada.click('button[data-do=doctor]')
  await ada.waitForSelector('[data-testid=doctor-ok]', { timeout: 120_000 })
  await accessible(ada, 'checks')
  await picture(ada, 'checks-dark')

  await ada.click('[data-tab=nodes]')
  await ada.waitForSelector('[data-node=dev]')
  await ada.waitForSelector('[data-room="casino-x/roulette-1"]')
  await accessible(ada, 'nodes')
  await picture(ada, 'nodes-dark')
  assert.deepEqual(ada.faults.filter((f) => !/status of 4\d\d/.test(f)), [])
  await ada.context().close()
})

test('on a phone every page fits, and can be used by everybody', async () => {
  for (const scheme of ['light', 'dark']) {
    const ada = await house.page('platform', { ...phone, colorScheme: scheme })
    await ada.waitForSelector('[data-casino=casino-x]')
    for (const [page, seen] of [['casinos', '[data-casino=casino-x]'], ['casinos/casino-x', '[data-domain]'], ['jobs', 'li[data-kind]'], ['migration', '[data-testid=behind]'], ['checks', '[data-testid=drift-ok]'], ['nodes', '[data-node=dev]'], ['audit', 'li[data-action]']]) {
      await ada.goto(new URL(`/platform/${page}`, ada.url()).href)
      await ada.waitForSelector(seen)
      await accessible(ada, `${page} on a phone, ${scheme}`)
      await fits(ada, page)
      await picture(ada, `phone-${page.replace('/', '-')}-${scheme}`)
    }
    await ada.goto(new URL('/platform/casinos?do=create', ada.url()).href)
    await ada.waitForSelector('dialog [name=name]')
    await accessible(ada, `creating on a phone, ${scheme}`)
    await fits(ada, 'creating')
    await picture(ada, `phone-create-${scheme}`)
    const small = await ada.evaluate(() => [...document.querySelectorAll('dialog :is(button, input:not([type=checkbox]), select)')].filter((e) => e.getBoundingClientRect().height < 44).map((e) => e.outerHTML.slice(0, 80)))
    assert.deepEqual(small, [])
    assert.deepEqual(ada.faults.filter((f) => !/status of 4\d\d/.test(f)), [])
    await ada.context().close()
  }
  const arabic = await house.page('platform', { locale: 'ar' })
  await arabic.waitForSelector('[data-casino=casino-x]')
  assert.equal(await arabic.getAttribute('html', 'dir'), 'rtl')
  await picture(arabic, 'casinos-ar')
  await arabic.context().close()
})

test('a wrong key opens nothing and says why; the page is at the platform\'s host alone; a key that ends is replaced in place', async () => {
  const [platform, key] = house.links.platform.split('/platform#key=')
  assert.equal(await status(new URL(platform).host, '/platform'), 200)
  for (const host of [`casino-x.localhost:${house.port}`, `somewhere.example:${house.port}`]) assert.notEqual(await status(host, '/platform'), 200, host)
  house.links.gate = `${platform}/platform`
  const eve = await house.page('gate', light)
  await eve.waitForSelector('main.gate')
  await accessible(eve, 'the gate')
  await picture(eve, 'gate-light')
  const enter = async (text, said) => {
    await eve.fill('[name=key]', text)
    await eve.click('main.gate button.primary')
    await eve.locator('[role=alert]').filter({ hasText: said }).first().waitFor()
  }
  await enter('open sesame', 'This is not an API key')
  await enter(`pitboss_0123456789_${'a'.repeat(59)}`, 'This is not a whole API key')
  const casinos = house.cli('key', 'api', 'create', '--tenant', 'casino-x', '--name', 'its', '--scope', 'rooms:read', '--reason', 'a test')
  await enter(/key +(\S+)/.exec(casinos.split('\n').at(-1))[1], 'The platform does not know this key.')
  await accessible(eve, 'a wrong key')
  const made = house.cli('key', 'api', 'create', '--platform', '--name', 'reader', '--scope', 'tenants:read', '--reason', 'a test')
  const reader = /pitboss_\S+/.exec(made)[0]
  await new Promise((r) => setTimeout(r, 1200)) // every node knows it within a second
  await eve.fill('[name=key]', `${platform}/platform#key=${reader}`)
  await eve.click('main.gate button.primary')
  await eve.waitForSelector('[data-casino=casino-x]')
  assert.ok(!eve.urls.some((u) => u.includes('pitboss_')), 'a key is in an address')
  assert.equal(await eve.locator('[data-testid=create]').count(), 0, 'who only reads may create')
  await eve.goto(new URL('/platform/casinos/casino-x?do=suspend&on=casino-x', eve.url()).href)
  await eve.waitForSelector('[data-status]')
  assert.equal(await eve.locator('dialog').count(), 0)

  house.cli('key', 'api', 'revoke', '--platform', /id +(\S+)/.exec(made)[1], '--reason', 'a test')
  await eve.waitForSelector('[data-testid=fresh-key]', { timeout: 20_000 })
  await accessible(eve, 'a key that ended')
  await eve.fill('[data-testid=fresh-key] [name=key]', key)
  await eve.click('[data-testid=fresh-key] button.primary')
  await gone(eve)
  await eve.waitForSelector('[data-do=suspend]', { timeout: 20_000 })
  await eve.context().close()
})

test('without the platform\'s process a job waits and says so, and is done once the process is there', async () => {
  process.env.PITBOSS_PLATFORM_HOST = 'platform.localhost' // of the cluster's nodes, which have no such process beside them
  const cluster = await House.open(['cluster', '--nodes', '1'])
  let worker
  try {
    const [key] = /pitboss_\S+/.exec(cluster.cli('key', 'api', 'create', '--platform', '--name', 'ada', ...['read', 'write', 'end', 'enter'].flatMap((s) => ['--scope', `tenants:${s}`]), '--reason', 'a test'))
    await new Promise((r) => setTimeout(r, 1200)) // every node knows it within a second
    cluster.links.platform = `http://platform.localhost:${cluster.port}/platform/casinos/casino-x#key=${key}`
    const ada = await cluster.page('platform', dark)
    await ada.click('[data-do=suspend]')
    await ask(ada, 'suspend', { reason: 'a test' })
    await ada.waitForSelector('[data-testid=drawer] [data-job=queued]')
    await ada.waitForSelector('[data-testid=stuck]')
    assert.match(await ada.textContent('[data-testid=stuck]'), /pitboss platform/)
    await accessible(ada, 'a job that waits')
    await picture(ada, 'job-stuck-dark')
    await ada.click('[data-tab=migration]')
    await ada.click('[data-do=migrate]')
    await ask(ada, 'migrate', {})
    await ada.waitForSelector('[data-testid=stuck]')
    worker = spawn(cluster.bin, ['platform', '--ready', '0', '--dir', join(cluster.dir, 'data')], { cwd: cluster.dir, stdio: 'ignore' })
    await until('nothing waits', async () => (await ada.locator('[data-testid=stuck]').count()) === 0, 30_000)
    await ada.goto(new URL('/platform/casinos/casino-x', ada.url()).href)
    await ada.waitForSelector('[data-status=suspended]')
    assert.deepEqual(ada.faults.filter((f) => !/status of 4\d\d/.test(f)), [])
    await ada.context().close()
  } finally {
    delete process.env.PITBOSS_PLATFORM_HOST
    const ended = worker && new Promise((resolve) => worker.once('exit', resolve))
    worker?.kill('SIGINT')
    await ended
    await cluster.close()
  }
})
