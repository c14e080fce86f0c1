import { parseMoney } from '../shared/money'

/**
 * Reads an amount as people write it, in minor units; undefined if it is not one: "1,234.50", "1.234,50", "1 234,5", "−5", "12 EUR".
 * A single comma or point is the decimal one, unless more digits follow it than the currency has: "1,000" is a thousand euros.
 */
export function readAmount(text: string, exponent: number): number | undefined {
  const bare = text.trim().replace(/^[A-Z]{3}\b|\b[A-Z]{3}$/g, '').replace(/[\s\u00a0\u202f'’]/g, '').replace('\u2212', '-').replace(/^\+/, '')
  const marks = bare.match(/[.,]/g) ?? []
  const last = marks.at(-1)
  if (!last) return parseMoney(bare, exponent)
  const after = bare.length - bare.lastIndexOf(last) - 1
  const grouped = new Set(marks).size === 1 && (marks.length > 1 || (after === 3 && exponent !== 3))
  const [whole, decimals] = grouped ? [bare, ''] : [bare.slice(0, bare.lastIndexOf(last)), bare.slice(bare.lastIndexOf(last))]
  if (/[.,]/.test(whole) && !/^-?\d{1,3}([.,]\d{3})+$/.test(whole)) return undefined
  if (!grouped && marks.slice(0, -1).some((mark) => mark === last)) return undefined
  return parseMoney(whole.replace(/[.,]/g, '') + decimals, exponent)
}
