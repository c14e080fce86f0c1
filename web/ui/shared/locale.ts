// The language of a page, and how money and dates are written in it. Boards, and the digits on them, stay left-to-right and Latin.
import { remember, remembered } from './storage'

/** The languages that the pages are written in, under their own names. */
export const languages = { en: 'English', de: 'Deutsch', es: 'Español', ar: 'العربية' } as const
export type Locale = keyof typeof languages

const key = 'pitboss.locale'
const known = (tag: string | null | undefined): Locale | undefined => Object.keys(languages).find((l) => tag?.toLowerCase().split('-')[0] === l) as Locale | undefined

/** The language of this page: the one that was chosen, or the first of the browser's that there is. */
export const locale: Locale = known(remembered(key)) ?? (globalThis.navigator?.languages ?? []).map(known).find((l) => l !== undefined) ?? 'en'

/** The tag by which Intl writes in it. */
const tag = locale === 'ar' ? 'ar-u-nu-latn' : ((globalThis.navigator?.languages ?? []).find((l) => known(l) === locale) ?? locale)

/** Tells the document its language, and from which side it is read. */
export function declareLanguage(): void {
  document.documentElement.lang = locale
  document.documentElement.dir = locale === 'ar' ? 'rtl' : 'ltr'
}

/** Chooses a language, and loads the page again in it. */
export function choose(to: Locale): void {
  remember(key, to)
  location.reload()
}

const decimals = new Map<string, Intl.NumberFormat>()

/** Writes an exact decimal, with as many digits after the point as it has: in a currency if one is given, by its code. */
export function writeDecimal(decimal: string, currency?: string): string {
  const digits = decimal.split('.')[1]?.length ?? 0
  const id = `${digits} ${currency ?? ''}`
  let format = decimals.get(id)
  if (!format) {
    format = new Intl.NumberFormat(tag, {
      minimumFractionDigits: digits, maximumFractionDigits: digits,
      ...(currency ? { style: 'currency', currency, currencyDisplay: 'code' } : {}),
    })
    decimals.set(id, format)
  }
  return format.format(decimal as Intl.StringNumericLiteral)
}

/** Writes a date and a time of day. */
export function writeTime(at: string | number, style: Intl.DateTimeFormatOptions = { dateStyle: 'medium', timeStyle: 'short' }): string {
  return new Intl.DateTimeFormat(tag, style).format(new Date(at))
}

const collator = new Intl.Collator(tag, { numeric: true, sensitivity: 'base' })

/** Orders names as people do: table-4 before table-10. */
export const inOrder = (a: string, b: string): number => collator.compare(a, b)

const list = new Intl.ListFormat(tag, { style: 'narrow', type: 'conjunction' })

/** Lists things: "2, 3, and 5". */
export const writeList = (things: readonly string[]): string => list.format(things)
