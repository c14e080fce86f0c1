import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { adviceOn, advices } from './limits'

/** Limits of a node or the installation, which no casino meets alone. */
const ofNodes = new Set([
  'sockets', 'connections', 'address_connections', 'descriptors', 'address_requests', 'node_questions', 'jwks_bytes', 'jwks_keys', 'jwks_misses', 'scope_connections', 'control_connections', 'lock_timeout', 'statement_timeout',
])

test('there is advice on every limit of docs/operations.md that a casino can meet, and on no other', () => {
  const docs = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8')
  const part = docs.slice(docs.indexOf('### Sockets: `pitboss_hub_limit_hits_total'), docs.indexOf('### Input'))
  const named = new Set([...part.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) => [...cell.matchAll(/`([a-z_]+)`/g)].map(([, name = '']) => name)))
  expect(named.size).toBeGreaterThan(40)
  expect([...named].filter((name) => !ofNodes.has(name) && !(name in advices)).sort()).toEqual([])
  expect(Object.keys(advices).filter((name) => !named.has(name)).sort()).toEqual([])
  expect(adviceOn('something_new')).not.toBe('')
})
