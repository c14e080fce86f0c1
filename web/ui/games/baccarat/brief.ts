import type { Won } from './types'

/** Returns the hand that a brief spells in letters. */
export function fromCode(code: string): Won {
  return { winner: ({ P: 'player', B: 'banker' } as const)[code[0] ?? ''] ?? 'tie', player_pair: code.includes('p'), banker_pair: code.includes('b') }
}
