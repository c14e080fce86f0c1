/** Returns the letter or digit of a key, in lower case: that of a Latin keyboard at its place, if it writes another alphabet. */
export function letterOf({ key, code }: Pick<KeyboardEvent, 'key' | 'code'>): string {
  const written = key.toLowerCase()
  return /^[!-~]$/.test(written) ? written : code.replace(/^(Key|Digit|Numpad)(?=.$)/, '').toLowerCase()
}
