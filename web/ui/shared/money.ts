/** Writes minor units as a decimal, exactly, with thin spaces between thousands. */
export function formatMoney(minor: number, exponent: number): string {
  const sign = minor < 0 ? '−' : ''
  const digits = String(Math.abs(minor)).padStart(exponent + 1, '0')
  const whole = digits.slice(0, digits.length - exponent).replace(/\B(?=(\d{3})+$)/g, '\u2009')
  return sign + whole + (exponent > 0 ? `.${digits.slice(-exponent)}` : '')
}

/** Writes minor units as a decimal to be edited: 5, 2.50, 1000. parseMoney reads it. */
export function editMoney(minor: number, exponent: number): string {
  return formatMoney(minor, exponent).replaceAll('\u2009', '').replace('−', '-').replace(/\.0+$/, '')
}

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
