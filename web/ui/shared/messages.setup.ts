// Loads all words before the unit tests: what they test may say any.
import { folders } from '../messages.mjs'
import { loadWords } from '../verify/words'
import { loadMessages } from './messages'

await Promise.all(Object.keys(folders).map((of) => (of.startsWith('verify/') ? loadWords(of.slice('verify/'.length)) : loadMessages(of))))
