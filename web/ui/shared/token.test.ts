import { expect, test } from 'vitest'
import { tokenOf } from './token'

test('a token is read out of a link, or as it is', () => {
  expect(['https://x.example/console#token=a.b-1.c_2', ' a.b.c\n', 'https://x.example/t/y/console/players?sort=x#room=1&token=a.b.c '].map(tokenOf)).toEqual(['a.b-1.c_2', 'a.b.c', 'a.b.c'])
  expect(['', 'https://x.example/console', 'https://x.example/console#token=', 'https://x.example/console#token=a b', 'hello'].map(tokenOf)).toEqual(Array(5).fill(undefined))
})
