import { m } from '../shared/messages'
import { inWords as ofPages } from '../shared/words'

type Failure = { code?: string; message?: string }

/** Returns an error in words for staff: the platform's on its pages, the console's, those of all pages, or else the server's sentence. */
export function inWords(err: unknown): string {
  const words = m as unknown as Readonly<Record<string, (() => string) | undefined>>
  const { code } = err as Failure
  const own = words[`platform_error_${code}`] ?? words[`staff_error_${code}`]
  return own?.() ?? ofPages(err)
}

/**
 * Returns where in a form an error belongs, and what it says: beside the field that has its code, or that the server names at
 * the beginning of its sentence, else under the form ("").
 */
export function placed(err: unknown, fields: Readonly<Record<string, readonly string[]>>): [field: string, text: string] {
  const { code = '', message = '' } = err as Failure
  const named = Object.keys(fields).find((field) => fields[field]!.includes(code))
  if (named) return [named, inWords(err)]
  const [, field = '', why = ''] = /^(\w+): (.+)$/s.exec(message) ?? []
  return code === 'invalid_params' && field in fields ? [field, why] : ['', inWords(err)]
}
