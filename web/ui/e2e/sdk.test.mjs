// The package of the SDK, and the example in its README, as somebody else's Node runs them.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { House, root } from './house.mjs'

const ui = join(root, 'web', 'ui')
let house, dir

before(async () => {
  house = await House.open()
  dir = mkdtempSync(join(tmpdir(), 'pitboss-sdk-'))
})
after(async () => {
  if (dir) rmSync(dir, { recursive: true, force: true })
  await house?.close()
})

// Gives a Node of whatever age a WebSocket, which knows that *.localhost is this machine.
const preload = `
import WebSocket from 'ws'
const lookup = (host, { all }, done) => (all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4))
globalThis.WebSocket = class extends WebSocket {
  constructor(url, protocols) { super(url, protocols, { lookup }) }
}
`

test('the example in the README plays a round', async () => {
  const [example] = /(?<=```js\n).*?(?=```)/s.exec(readFileSync(join(ui, 'client', 'README.md'), 'utf8'))
  const modules = join(dir, 'node_modules')
  const sdk = join(modules, '@pitboss', 'client')
  mkdirSync(sdk, { recursive: true })
  const built = spawnSync(process.execPath, [join(ui, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', join(ui, 'client', 'tsconfig.build.json'), '--outDir', join(sdk, 'dist')], { encoding: 'utf8' })
  assert.equal(built.status, 0, built.stdout)
  cpSync(join(ui, 'client', 'package.json'), join(sdk, 'package.json'))
  symlinkSync(join(ui, 'node_modules', 'ws'), join(modules, 'ws'))
  writeFileSync(join(dir, 'preload.mjs'), preload)
  writeFileSync(join(dir, 'bet.mjs'), example)

  const link = new URL(house.links['alice@casino-x'])
  const token = new URLSearchParams(link.hash.slice(1)).get('token')
  const player = spawn(process.execPath, ['--import', './preload.mjs', 'bet.mjs', link.origin, 'roulette-3', token], { cwd: dir, timeout: 60_000 })
  let out = ''
  for (const from of [player.stdout, player.stderr]) from.on('data', (d) => (out += d))
  const code = await new Promise((resolve) => player.once('close', resolve))
  assert.equal(code, 0, out)
  assert.match(out, /^open \nbet 100 in round (\d+); balance \d+\nround \1: \d+; staked 100, paid (0|200)\nstopped normal\n$/)
})
