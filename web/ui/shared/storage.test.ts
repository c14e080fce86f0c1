import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { keyed } from './storage'

test('casinos that share a host keep things under names of their own, and one on its own domain under the plain name', () => {
  expect(keyed('pitboss.token', '/')).toBe('pitboss.token')
  const names = ['/', '/t/casino-x/', '/t/lucky-star/'].map((casino) => keyed('pitboss.token', casino))
  expect(new Set(names).size).toBe(3)
})

test('pages keep and say nothing in the browser but by names of the casino', () => {
  const ui = fileURLToPath(new URL('..', import.meta.url))
  const shared = /\b(localStorage|sessionStorage|indexedDB|caches|BroadcastChannel|SharedWorker|serviceWorker|navigator\.locks|document\.cookie|window\.name)\b/
  const files = ['player', 'console', 'verify', 'shared', 'games', 'api', 'client/src'].flatMap((folder) =>
    readdirSync(join(ui, folder), { recursive: true, encoding: 'utf8' }).map((f) => join(folder, f)))
  const sources = files.filter((f) => /\.(ts|svelte)$/.test(f) && !/\.test\.ts$|testing\.ts$/.test(f) && f !== 'shared/storage.ts')
  expect(sources.length).toBeGreaterThan(50)
  expect(sources.filter((f) => shared.test(readFileSync(join(ui, f), 'utf8')))).toEqual([])
})
