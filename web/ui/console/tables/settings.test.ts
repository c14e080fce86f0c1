import { expect, test } from 'vitest'
import type { Setting } from '../api'
import { fieldsOf, hasForm, keyLabel, labelOf, readFields, readJSON } from './settings'

const settings: Setting[] = [
  { name: 'least', type: 'money', unit: 'minor', default: 100, min: 1, max: 100_000_000_000, message: 'least' },
  { name: 'most', type: 'money', unit: 'minor', default: 123_450, min: 1, max: 100_000_000_000, message: 'most' },
  { name: 'wait_ms', type: 'int', unit: 'ms', default: 1500, min: 0, max: 600_000, message: 'wait_ms' },
  { name: 'seats', type: 'int', default: 7, min: 1, max: 9, message: 'seats' },
  { name: 'extra', type: 'money', unit: 'minor', message: 'extra' },
  { name: 'soft', type: 'bool', default: true, message: 'soft' },
  { name: 'by_kind', type: 'moneys', unit: 'minor', keys: ['a_b', 'c'], min: 1, max: 500, message: 'by_kind' },
]
const label = (s: Setting, key?: string): string => s.name + (key ? `.${key}` : '')
const filled = (more: Partial<ReturnType<typeof fieldsOf>> = {}) => {
  const f = fieldsOf(settings, 2)
  return { texts: { ...f.texts, ...more.texts }, checks: { ...f.checks, ...more.checks }, keyed: { ...f.keyed, ...more.keyed } }
}

test('the fields show the defaults, in units of the currency and in seconds, and read as them', () => {
  expect(fieldsOf(settings, 2)).toEqual({
    texts: { least: '1', most: '1234.50', wait_ms: '1.5', seats: '7', extra: '' }, checks: { soft: true }, keyed: { by_kind: { a_b: '', c: '' } },
  })
  expect(readFields(settings, filled(), 2, label)).toEqual({ settings: { least: 100, most: 123_450, wait_ms: 1500, seats: 7, soft: true } })
})

test('what is written is read exactly, and what is empty is left out', () => {
  const fields = filled({ texts: { least: ' 0,05 ', wait_ms: '0.25', extra: '3', seats: '' }, checks: { soft: false }, keyed: { by_kind: { a_b: '5', c: ' ' } } })
  expect(readFields(settings, fields, 2, label)).toEqual({ settings: { least: 5, most: 123_450, wait_ms: 250, extra: 300, soft: false, by_kind: { a_b: 500 } } })
})

test('what does not fit is named, with what would', () => {
  const wrong = (more: Parameters<typeof filled>[0]) => (readFields(settings, filled(more), 2, label) as { wrong?: string }).wrong
  expect(wrong({ texts: { least: 'much' } })).toBe('least: must be an amount from 0.01 to 1,000,000,000.00.')
  expect(wrong({ texts: { least: '0' } })).toMatch(/^least: /)
  expect(wrong({ texts: { wait_ms: '601' } })).toBe('wait_ms: must be a number of seconds from 0 to 600.')
  expect(wrong({ texts: { wait_ms: '1e2' } })).toMatch(/^wait_ms: /)
  expect(wrong({ texts: { seats: '2.5' } })).toBe('seats: must be a whole number from 1 to 9.')
  expect(wrong({ texts: { extra: '1.234' } })).toBe('extra: must be an amount.')
  expect(wrong({ keyed: { by_kind: { c: '5.01' } } })).toBe('by_kind.c: must be an amount from 0.01 to 5.00.')
})

test("a label is the game's word for it, or the name and the unit", () => {
  const [money, , ms, count] = settings as [Setting, Setting, Setting, Setting]
  expect(labelOf(money, { least: 'Least bet' }, 'EUR')).toBe('Least bet')
  expect([money, ms, count].map((s) => labelOf(s, {}, 'EUR'))).toEqual(['least (EUR)', 'wait_ms (seconds)', 'seats'])
  expect([keyLabel(settings[6]!, 'a_b', {}), keyLabel(settings[6]!, 'a_b', { 'by_kind.a_b': 'A or B' })]).toEqual(['a b', 'A or B'])
})

test('settings that are not described, or not in types that are known, are JSON', () => {
  expect([hasForm(undefined), hasForm(null), hasForm([]), hasForm(settings), hasForm([{ ...settings[0]!, type: 'colour' as 'int' }])]).toEqual([false, false, true, true, false])
  expect([readJSON(' '), readJSON('{"a": 1}')]).toEqual([{ settings: {} }, { settings: { a: 1 } }])
  for (const text of ['[]', 'null', '5', '{']) expect(readJSON(text)).toEqual({ wrong: 'This is not a JSON object.', name: 'settings' })
})
