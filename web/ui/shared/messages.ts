// The words of the pages, in the language of this page: m.undo() is "Undo". messages.mjs compiles them.
import type { Messages } from '../compiled/messages'
import { locale } from './locale'

/** Returns words. They are loaded before what uses them; what is evaluated once, when a module loads, must not call it. */
export const m = {} as Messages

const loaders = import.meta.glob<Messages>('../compiled/*/*.js', { import: 'default' })

/** Loads the words of the pages, or of a game. */
export async function loadMessages(of = 'pages'): Promise<void> {
  Object.assign(m, await loaders[`../compiled/${of}/${locale}.js`]?.())
}
