import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { roundEventTypes } from '../src/round'

test('the events of all round games are those that the protocol names', () => {
  const protocol = readFileSync(new URL('../../../../docs/protocol.md', import.meta.url), 'utf8')
  const section = /^## Round games\n(.*?)^## /ms.exec(protocol)![1]!
  const rows = section.slice(section.indexOf('| event |')).split('\n\n')[0]!.split('\n').slice(2)
  const named = rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`([a-z.]+)`/g)].map((m) => m[1]!))
  expect(named.length).toBeGreaterThan(5)
  expect([...roundEventTypes].sort()).toEqual(named.sort())
})
