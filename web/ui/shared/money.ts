import { writeDecimal } from './locale'

/** Returns minor units as an exact decimal: 1234 with two digits is "12.34". */
function decimal(minor: number, exponent: number): string {
  const digits = String(Math.abs(minor)).padStart(exponent + 1, '0')
  const whole = digits.slice(0, digits.length - exponent)
  return (minor < 0 ? '-' : '') + whole + (exponent > 0 ? `.${digits.slice(-exponent)}` : '')
}

/** Writes minor units in the page's language, exactly; with the code of their currency if one is given. */
export const formatMoney = (minor: number, exponent: number, currency?: string): string => writeDecimal(decimal(minor, exponent), currency)

/** Writes minor units as a decimal to be edited: 5, 2.50, 1000. parseMoney reads it. */
export const editMoney = (minor: number, exponent: number): string => decimal(minor, exponent).replace(/\.0+$/, '')

/** Writes an amount short enough for a chip: 5, 2.50, 1k. */
export function formatChip(minor: number, exponent: number): string {
  const unit = 10 ** exponent
  if (minor >= 1000 * unit && minor % (100 * unit) === 0) return `${minor / (1000 * unit)}k`
  return minor % unit === 0 ? String(minor / unit) : (minor / unit).toFixed(exponent)
}

/** Reads a decimal amount exactly; undefined if it is not one. */
export function parseMoney(text: string, exponent: number): number | undefined {
  const m = /^(-?)(\d{1,12})(?:[.,](\d+))?$/.exec(text.trim())
  if (!m || (m[3] ?? '').length > exponent) return undefined
  const minor = Number(m[2] + (m[3] ?? '').padEnd(exponent, '0'))
  return m[1] ? -minor : minor
}
