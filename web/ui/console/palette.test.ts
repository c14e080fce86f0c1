import { expect, test } from 'vitest'
import { actionsOn, type Entry, found, idTyped, type Verb } from './palette'

const verb = (id: string, of: Verb['of'], word: string): Verb => ({ id, of, word, title: (name) => `${word} ${name}`, to: (on) => ({ action: id, on }) })
const verbs = [verb('credit', 'player', 'Credit'), verb('kick', 'player', 'Kick'), verb('close', 'table', 'Close')]
const entries: Entry[] = [
  { id: 'players', kind: 'page', title: 'Players', to: {} },
  { id: 'alice', kind: 'player', title: 'alice', to: {} },
  { id: 'hall-10', kind: 'table', title: 'High stakes', also: 'hall-10', to: {} },
  ...actionsOn(verbs, 'player', 'alice', 'alice'), ...actionsOn(verbs, 'table', 'hall-10', 'High stakes'),
]
const titles = (typed: string): string[] => found(entries, typed).map((e) => e.title)

test('what is typed finds by beginnings of words, in any order, without case and accents', () => {
  expect(titles('cr ali')).toEqual(['Credit alice'])
  expect(titles('ALÍ')).toEqual(['alice', 'Credit alice', 'Kick alice'])
  expect(titles('stakes clo')).toEqual(['Close High stakes'])
  expect(titles('10')).toEqual(['High stakes', 'Close High stakes'])
  expect(titles('nobody')).toEqual([])
  expect(titles('')).toHaveLength(entries.length)
})

test('players are looked for by what is not the name of an action', () => {
  expect(['credit al', 'al kick', 'al', 'cr', ' Credit  Ä1 '].map((t) => idTyped(t, verbs))).toEqual(['al', 'al', 'al', 'cr', 'Ä1'])
})
