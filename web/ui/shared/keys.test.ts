import { expect, test } from 'vitest'
import { letterOf } from './keys'

test('a key is its letter on every keyboard', () => {
  expect(letterOf({ key: 'r', code: 'KeyP' })).toBe('r') // Dvorak
  expect(letterOf({ key: 'R', code: 'KeyR' })).toBe('r') // Caps Lock
  expect(letterOf({ key: 'ق', code: 'KeyR' })).toBe('r')
  expect(letterOf({ key: 'к', code: 'KeyR' })).toBe('r')
  expect(letterOf({ key: '٣', code: 'Digit3' })).toBe('3')
  expect(letterOf({ key: '3', code: 'Numpad3' })).toBe('3')
  expect(letterOf({ key: 'Enter', code: 'Enter' })).toBe('enter')
  expect(letterOf({ key: 'Shift', code: 'ShiftLeft' })).toBe('shiftleft')
})
