import { expect, test } from 'vitest'
import { casinoOf, isStuck, kindOf } from './words'

test('a job that waits for longer than a few seconds by the clock of this page is stuck, until it is begun', () => {
  const job = { id: 'a', state: 'queued' } as const
  expect([1000, 4000, 5001].map((now) => isStuck(job, now))).toEqual([false, false, true])
  expect(isStuck({ id: 'b', state: 'queued' }, 9000)).toBe(false)
  expect(isStuck({ ...job, state: 'running' }, 9000)).toBe(false)
  expect(isStuck(job, 9500)).toBe(false)
})

test('a job is named by what it does, and by the casino that it is about or that it made', () => {
  expect([kindOf('tenant.suspend'), kindOf('tea.make')]).toEqual(['Suspend a casino', 'tea.make'])
  const job = { id: 'a', state: 'done', attempts: 1, actor: 'key:1', created_at: '' } as const
  expect(casinoOf({ ...job, kind: 'tenant.suspend', tenant: 'casino-x' })).toBe('casino-x')
  expect(casinoOf({ ...job, kind: 'tenant.create', result: { slug: 'casino-z', status: 'active' } })).toBe('casino-z')
  expect(casinoOf({ ...job, kind: 'doctor', result: { ok: true } })).toBe('')
})
