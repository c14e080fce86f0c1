// Loads all words before the unit tests: what they test may say any.
import { folders } from '../messages.mjs'
import { loadMessages } from './messages'

await Promise.all(Object.keys(folders).map(loadMessages))
