import { m } from '../../shared/messages'
import { editMoney, formatMoney, parseMoney } from '../../shared/money'
import type { Setting } from '../api'

/** What the fields of a form hold, by the setting's name. */
export interface Fields {
  texts: Record<string, string> // of money and int
  checks: Record<string, boolean> // of bool
  keyed: Record<string, Record<string, string>> // of moneys
}

const types: ReadonlySet<string> = new Set<Setting['type']>(['money', 'int', 'bool', 'moneys'])

/** Whether a form can be made of a game's settings. */
export function hasForm(settings: readonly Setting[] | null | undefined): settings is readonly Setting[] {
  return Array.isArray(settings) && settings.every((s) => types.has(s.type))
}

/** Returns what the fields show at first: the game's defaults. Times are shown in seconds. */
export function fieldsOf(settings: readonly Setting[], exponent: number): Fields {
  const out: Fields = { texts: {}, checks: {}, keyed: {} }
  for (const s of settings) {
    if (s.type === 'bool') out.checks[s.name] = s.default === true
    else if (s.type === 'moneys') {
      const some = (s.default ?? {}) as Record<string, number>
      out.keyed[s.name] = Object.fromEntries((s.keys ?? []).map((k) => [k, some[k] === undefined ? '' : editMoney(some[k], exponent)]))
    } else if (typeof s.default !== 'number') out.texts[s.name] = ''
    else out.texts[s.name] = s.type === 'money' ? editMoney(s.default, exponent) : String(s.unit === 'ms' ? s.default / 1000 : s.default)
  }
  return out
}

/** Returns a setting's label: the game's word for it, or its name and unit. */
export function labelOf(s: Setting, words: Readonly<Record<string, string>>, currency: string): string {
  const word = words[s.message]
  if (word) return word
  return s.name + (s.type === 'money' || s.type === 'moneys' ? ` (${currency})` : s.unit === 'ms' ? ` (${m.seconds()})` : '')
}

/** Returns the label of one key of a setting that has several amounts. */
export function keyLabel(s: Setting, key: string, words: Readonly<Record<string, string>>): string {
  return words[`${s.message}.${key}`] ?? key.replaceAll('_', ' ')
}

/** What was read of a form, or which of its fields does not fit, and why, in a sentence that begins with its label. */
export type Read = { settings: Record<string, unknown> } | { wrong: string; name: string }

/** Reads the fields. Empty ones are left out, so that the game's default holds. */
export function readFields(
  settings: readonly Setting[], fields: Fields, exponent: number, label: (s: Setting, key?: string) => string,
): Read {
  const out: Record<string, unknown> = {}
  for (const s of settings) {
    if (s.type === 'bool') {
      out[s.name] = fields.checks[s.name] ?? false
      continue
    }
    if (s.type !== 'moneys') {
      const text = (fields.texts[s.name] ?? '').trim()
      if (text === '') continue
      const value = readNumber(s, text, exponent)
      if (value === undefined) return { wrong: `${label(s)}: ${wanted(s, exponent)}`, name: s.name }
      out[s.name] = value
      continue
    }
    const some: Record<string, number> = {}
    for (const [key, text] of Object.entries(fields.keyed[s.name] ?? {})) {
      if (text.trim() === '') continue
      const value = readNumber(s, text, exponent)
      if (value === undefined) return { wrong: `${label(s, key)}: ${wanted(s, exponent)}`, name: `${s.name}.${key}` }
      some[key] = value
    }
    if (Object.keys(some).length > 0) out[s.name] = some
  }
  return { settings: out }
}

/** Reads the settings of a game that no form can be made for: a JSON object, or nothing. */
export function readJSON(text: string): Read {
  if (text.trim() === '') return { settings: {} }
  try {
    const settings = JSON.parse(text) as unknown
    if (typeof settings === 'object' && settings !== null && !Array.isArray(settings)) return { settings: settings as Record<string, unknown> }
  } catch {
    // said below
  }
  return { wrong: m.settings_not_json(), name: 'settings' }
}

function readNumber(s: Setting, text: string, exponent: number): number | undefined {
  const n = s.type === 'int' ? readInt(text.trim(), s.unit === 'ms' ? 3 : 0) : parseMoney(text, exponent)
  return n === undefined || n < (s.min ?? n) || n > (s.max ?? n) ? undefined : n
}

/** Reads a whole number, or one with so many digits after the point as that many powers of ten. */
function readInt(text: string, digits: number): number | undefined {
  const n = parseMoney(text, digits)
  return n === undefined || !Number.isSafeInteger(n) ? undefined : n
}

/** Says what a field takes. */
function wanted(s: Setting, exponent: number): string {
  const show = (n: number): string => (s.type !== 'int' ? formatMoney(n, exponent) : String(s.unit === 'ms' ? n / 1000 : n))
  const kind = s.type !== 'int' ? m.wanted_amount() : s.unit === 'ms' ? m.wanted_seconds() : m.wanted_whole()
  if (s.min !== undefined && s.max !== undefined) return m.wanted_between({ kind, min: show(s.min), max: show(s.max) })
  if (s.min !== undefined) return m.wanted_least({ kind, min: show(s.min) })
  return s.max !== undefined ? m.wanted_most({ kind, max: show(s.max) }) : m.wanted({ kind })
}
