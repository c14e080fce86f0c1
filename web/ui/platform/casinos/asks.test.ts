import { expect, test } from 'vitest'
import type { Tenant } from '../api'
import { allowed, asksOf, consoleOf, create } from './asks'
import { domainOf, follower, slugOf } from './follow'

const casino: Tenant = {
  slug: 'casino-z', name: 'Casino Z', status: 'active', on_trial: true, currency: 'EUR', exponent: 2, domains: ['*.z.example', 'z.example'], frame_ancestors: ['https://a.example'], plan: 'small',
  paid_until: '2027-01-31T12:00:00.000Z', credit_approval_above: 100000,
}
const ask = (id: string, of: Tenant = casino) => asksOf(of).find((a) => a.id === id)!
const asked = (id: string, changed: Record<string, string>, of: Tenant = casino) => {
  const a = ask(id, of)
  return a.call({ ...Object.fromEntries(a.fields.map((f) => [f.name, f.value ?? ''])), reason: 'a test', ...changed })
}

test('of settings only what was changed is sent, and what was emptied is taken away', () => {
  expect(asked('set', {}).body).toEqual({ reason: 'a test' })
  expect(asked('set', { name: 'Zed', credit_approval_above: '1,500.50' }).body).toEqual({ reason: 'a test', name: 'Zed', credit_approval_above: 150050 })
  expect(asked('set', { plan: '', on_trial: '', paid_until: '', credit_approval_above: '', frame_ancestors: '' }).body).toEqual({ reason: 'a test', plan: 'none', on_trial: false, no_end: true, credit_approval_above: -1, frame_ancestors: [] })
  expect(() => asked('set', { credit_approval_above: 'much' })).toThrow()
  expect(asked('set', {}).method).toBe('PATCH')
})

test('what ends a casino wants its slug typed again', () => {
  for (const id of ['archive', 'purge']) {
    expect(ask(id).fields.find((f) => f.typed)?.typed).toBe('casino-z')
    expect(ask(id).danger && ask(id).scope === 'tenants:end').toBe(true)
  }
  expect(asked('purge', { again: 'casino-z' }).body).toEqual({ confirm: 'casino-z', reason: 'a test' })
})

test('a status allows what can be done in it', () => {
  expect(allowed(casino)).toEqual(['enter', 'set', 'rename', 'suspend', 'maintain'])
  expect(allowed({ ...casino, status: 'suspended' })).toEqual(['set', 'rename', 'resume', 'maintain', 'archive'])
  expect(allowed({ ...casino, status: 'archived' })).toEqual(['resume', 'archive', 'purge'])
  expect(allowed({ ...casino, status: 'provisioning' })).toEqual(['set', 'rename', 'provision', 'purge'])
})

test('a new casino is asked for as it was entered, and its slug and domain follow from its name', () => {
  expect(slugOf('The Third House')).toBe('the-third-house')
  expect(slugOf('42 Café Zürich!')).toBe('cafe-zurich')
  expect(domainOf('z', 'platform.localhost')).toBe('z.localhost')
  const values: Record<string, string> = { name: 'Third', slug: '', domains: '' }
  const follow = follower('platform.example')
  follow(values, 'name')
  expect(values).toEqual({ name: 'Third', slug: 'third', domains: 'third.example' })
  values.slug = 'three'
  follow(values, 'slug')
  values.name = 'Fourth'
  follow(values, 'name')
  expect(values).toEqual({ name: 'Fourth', slug: 'three', domains: 'three.example' })
  expect(create().call({ name: 'Z', slug: 'z', domains: 'z.example, www.z.example', currency: 'eur' }).body).toEqual({ name: 'Z', slug: 'z', domains: ['z.example', 'www.z.example'], currency: 'EUR', auto_create_schema: true })
})

test('a link into a console is at a domain that is none of many, with the scheme and port of here', () => {
  expect(consoleOf(casino, 'a.b.c', { protocol: 'http:', port: '8080' })).toBe('http://z.example:8080/console#token=a.b.c')
  expect(consoleOf(casino, 'a.b.c', { protocol: 'https:', port: '' })).toBe('https://z.example/console#token=a.b.c')
  expect(consoleOf({ domains: ['*.z.example'] }, 'a.b.c', { protocol: 'https:', port: '' })).toBeUndefined()
})
