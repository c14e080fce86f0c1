// The words that only this page says. They are in a place of their own, so that other pages do not know of them.
import type { Messages } from '../compiled/messages'
import { locale } from '../shared/locale'
import { m } from '../shared/messages'

const loaders = import.meta.glob<Messages>('../compiled/verify/*/*.js', { import: 'default' })

/** Loads the words of this page, or those of a game's verifier. */
export async function loadWords(of: string): Promise<void> {
  Object.assign(m, await loaders[`../compiled/verify/${of}/${locale}.js`]?.())
}
