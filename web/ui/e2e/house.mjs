// What the browser tests stand on: a running Pitboss with its own database, and Chromium.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AxeBuilder } from '@axe-core/playwright'
import { chromium } from 'playwright-core'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
/** Pictures of the run are kept here. */
export const pictures = join(root, 'result', 'screenshots')
mkdirSync(pictures, { recursive: true })

export const flags = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
]

export const freePort = () =>
  new Promise((resolve, reject) => {
    const s = createServer()
    s.once('error', reject)
    s.listen(0, '127.0.0.1', () => {
      const { port } = s.address()
      s.close(() => resolve(port))
    })
  })

/** House is "pitboss dev", or "pitboss cluster", in a folder of its own. */
export class House {
  static async open(command = ['dev', '--admin-listen', '']) {
    const h = new House()
    h.command = command
    h.dir = mkdtempSync(join(tmpdir(), 'pitboss-e2e-'))
    chmodSync(h.dir, 0o755) // run by root, the database is somebody else's
    h.bin = process.env.PITBOSS_BIN ?? join(h.dir, 'pitboss')
    if (!process.env.PITBOSS_BIN) {
      const built = spawnSync('go', ['build', '-o', h.bin, './cmd/pitboss'], { cwd: root, encoding: 'utf8' })
      assert.equal(built.status, 0, built.stderr)
    }
    h.port = await freePort()
    h.browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags })
    await h.start()
    return h
  }

  /** Starts the server; the second time it finds the data of the first. */
  async start() {
    this.out = ''
    this.err = ''
    this.server = spawn(this.bin, [...this.command, '--dir', join(this.dir, 'data'), '--listen', `127.0.0.1:${this.port}`], { cwd: this.dir })
    this.ended = new Promise((resolve) => this.server.once('exit', (code, signal) => resolve({ code, signal })))
    this.server.stderr.on('data', (d) => (this.err += d))
    await new Promise((resolve, reject) => {
      this.server.stdout.on('data', (d) => {
        this.out += d
        if (this.out.includes('Ctrl-C stops everything')) resolve()
      })
      this.ended.then((how) => reject(new Error(`the server ended: ${JSON.stringify(how)}\n${this.out}${this.err}`)))
    })
    this.links ??= Object.fromEntries([...this.out.matchAll(/^ {2}(?:player|operator) +(\S+) +(\S+)$/gm)].map((m) => [`${m[1]}@${new URL(m[2]).hostname.split('.')[0]}`, m[2]]))
    const [platform] = /http\S+\/platform#key=\S+/.exec(this.out) ?? []
    if (platform) this.links.platform = platform
  }

  async kill(signal = 'SIGKILL') {
    this.server.kill(signal)
    return this.ended
  }

  async close() {
    await this.browser?.close()
    const how = await this.kill('SIGINT')
    rmSync(this.dir, { recursive: true, force: true })
    assert.equal(how.code, 0, `the server did not end cleanly: ${JSON.stringify(how)}\n${this.err}`)
  }

  /** The process of a node of a cluster. */
  nodePid(name) {
    return Number([...this.err.matchAll(new RegExp(`a node runs" node=${name} pid=(\\d+)`, 'g'))].at(-1)[1])
  }

  cli(...args) {
    const r = spawnSync(this.bin, [...args, '--dir', join(this.dir, 'data')], { cwd: this.dir, encoding: 'utf8' })
    assert.equal(r.status, 0, `pitboss ${args.join(' ')}: ${r.stderr}`)
    return r.stdout.trim()
  }

  /** Gives a command of the operator's over the API, as Casino X's olivia. */
  async asOperator(path, body) {
    const link = new URL(this.links['olivia@casino-x'])
    const headers = { authorization: `Bearer ${new URLSearchParams(link.hash.slice(1)).get('token')}`, 'content-type': 'application/json', host: link.host }
    const status = await new Promise((resolve, reject) => {
      const req = request({ host: '127.0.0.1', port: this.port, path, method: 'POST', headers }, (res) => res.resume().once('end', () => resolve(res.statusCode)))
      req.once('error', reject)
      req.end(JSON.stringify(body))
    })
    assert.ok(status < 300, `${path}: ${status}`)
  }

  /** A page of its own browser context, signed in as who. What goes wrong in it is kept in page.faults; prepare is called before it loads. */
  async page(who, options = {}, prepare = async () => {}) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 860 }, ...options })
    const page = await context.newPage()
    page.faults = []
    page.urls = []
    page.on('pageerror', (e) => page.faults.push(e.message))
    page.on('console', (m) => {
      // A connection that is refused while the server is down is what those tests are about.
      if (m.type() === 'error' && !/ERR_CONNECTION_REFUSED|WebSocket connection|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/.test(m.text())) page.faults.push(`${m.text()} ${m.location().url}`)
    })
    await page.exposeFunction('violated', (what) => page.faults.push(what))
    await page.addInitScript(() => document.addEventListener('securitypolicyviolation', (e) => window.violated(`${e.violatedDirective} forbids ${e.blockedURI} (${e.sample})`)))
    page.on('request', (r) => page.urls.push(r.url()))
    page.on('websocket', (w) => page.urls.push(w.url()))
    await prepare(page)
    await page.goto(this.links[who])
    return page
  }
}

export const balance = async (page) => Number(await page.getAttribute('[data-testid=balance]', 'data-minor'))
export const at = (id) => `[data-position="${id}"]`

/** Asserts that no rule of axe is broken, by the standards that a law may ask for and by good practice. */
export async function accessible(page, where, ...but) {
  const { violations } = await new AxeBuilder({ page }).disableRules(but).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze()
  assert.deepEqual(violations.map((v) => `${where}: ${v.id}: ${v.nodes.map((n) => n.target.join(' ')).slice(0, 4).join(', ')}`), [])
}

/** Shows a part of the drawer: past, players, chat, rules or fairness. */
export async function show(page, panel) {
  await page.locator('[data-panel], [data-testid=open-drawer]').first().waitFor() // beside a wide table the drawer is open, once it is fetched
  if ((await page.locator('[data-panel]').count()) === 0) await page.click('[data-testid=open-drawer]')
  await page.click(`[data-panel=${panel}]`)
}

/** Returns what the drawer shows that the round's outcome was committed to. */
export async function commitmentOf(page) {
  await show(page, 'fairness')
  return page.textContent('[data-testid=commitment]')
}

/** Presses Tab until what is looked for has the focus. */
export async function tabTo(page, selector, most = 80) {
  for (let i = 0; i < most; i++) {
    await page.keyboard.press('Tab')
    if (await page.evaluate((s) => document.activeElement?.matches(s), selector)) return
  }
  assert.fail(`Tab does not come to ${selector}`)
}

/** Sits down at a table and waits until bets are taken. */
export async function sit(page, room) {
  await page.click(`[data-room="${room}"]`)
  await page.waitForSelector('[data-phase=betting]')
}

/** Waits until the round's money is on the balance. */
export async function settled(page) {
  await page.waitForSelector('[data-phase=settled]', { timeout: 30_000 })
  return Number(await page.getAttribute('[data-testid=result]', 'data-pocket'))
}

export async function until(what, check, ms = 10_000) {
  const end = Date.now() + ms
  for (;;) {
    if (await check()) return
    if (Date.now() > end) assert.fail(`never: ${what}`)
    await new Promise((r) => setTimeout(r, 30))
  }
}
