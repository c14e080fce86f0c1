import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { line, settle, welcome, Wire } from './wire.js'

beforeEach(() => {
  Wire.all = []
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
})
afterEach(() => vi.useRealTimers())

const asked = (): unknown[] => Wire.last.of('staff.watch').map((m) => m.params.of)

test('what is watched is asked for on each socket, and again when it changes or the server was busy', async () => {
  const p = line()
  const told: unknown[] = []
  p.on('changed', (of) => told.push(of))
  p.watch(['audit'])
  await settle()
  Wire.last.open().push('session.welcome', { ...welcome, role: 'operator' })
  expect(asked()).toEqual([['audit']])
  expect(p.watches).toBe(false)
  await Wire.last.answer('staff.watch', {})
  expect(p.watches).toBe(true)
  Wire.last.push('staff.changed', { of: ['audit'] })
  expect(told).toEqual([['audit']])

  p.watch(['audit', 'money'])
  await Wire.last.refuse('staff.watch', 'busy')
  await vi.advanceTimersByTimeAsync(5000)
  expect(asked()).toEqual([['audit'], ['audit', 'money'], ['audit', 'money']])

  Wire.last.end(1012)
  expect(p.watches).toBe(false)
  await vi.advanceTimersByTimeAsync(20_000)
  Wire.last.open().push('session.welcome', { ...welcome, role: 'operator' })
  expect(asked()).toEqual([['audit', 'money']])
  await Wire.last.answer('staff.watch', {})
  expect(p.watches).toBe(true)
  p.watch([])
  await Wire.last.answer('staff.watch', {})
  expect(p.watches).toBe(false)
  p.close()
})

test('a server that does not know it, or refuses it, is not asked again over the same socket', async () => {
  for (const code of ['method_not_found', 'forbidden']) {
    const p = line()
    p.watch(['audit'])
    await settle()
    Wire.last.open().push('session.welcome', welcome)
    await Wire.last.refuse('staff.watch', code)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(asked().length).toBe(1)
    expect(p.watches).toBe(false)
    p.close()
  }
})
