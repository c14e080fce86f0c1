// The words of the pages, in the language of this page: m.undo() is "Undo". messages.mjs compiles them.
import type { Messages } from '../compiled/messages'
import { locale } from './locale'

/** Returns words. They are loaded before what uses them; what is evaluated once, when a module loads, must not call it. */
export const m = {} as Messages

const loaders = import.meta.glob<Messages>('../compiled/*/*.js', { import: 'default' })

/** Loads the words of the pages, of the parts of them that are fetched later, or of a game. */
export async function loadMessages(of: string): Promise<void> {
  Object.assign(m, await loaders[`../compiled/${of}/${locale}.js`]?.())
}

/** Returns a part of a page that is fetched when it is wanted, once the words of such parts are there too. */
export async function later<Part>(part: Promise<{ default: Part }>): Promise<Part> {
  return (await Promise.all([part, loadMessages('later')]))[0].default
}
