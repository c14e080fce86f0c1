import { expect, test } from 'vitest'
import { keyOf } from './key'

test('a key is taken from a link, or as it is, and nothing else is', () => {
  const key = `pitboss_0123456789_${'a'.repeat(59)}`
  for (const text of [key, ` ${key}\n`, `http://platform.localhost:8080/platform#key=${key}`, `https://p.example/platform/jobs?open=1#key=${key}`]) expect(keyOf(text)).toBe(key)
  for (const text of ['', 'x', 'eyJ.a.b', `http://p.example/platform?key=${key}`, 'http://p.example/platform#key=', 'http://p.example/console#token=a.b.c', `${key} ${key}`]) expect(keyOf(text)).toBeUndefined()
})
