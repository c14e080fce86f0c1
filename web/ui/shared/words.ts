import type { ErrorParams } from '../client/src/index.js'
import { m } from './messages'

/** How a table calls what an error is about. */
export interface Names {
  money(minor: number): string
  position(id: string): string
}

/** Says which limit a command does not keep; undefined if we have no words for it. */
function ofLimit({ limit, value, position = '', has = 0 }: ErrorParams, names: Names): string | undefined {
  const [amount, had, on] = [names.money(value), names.money(has), names.position(position)]
  switch (limit) {
    case 'max_bet': return has > 0 ? m.limit_max_bet_has({ amount, position: on, has: had }) : m.limit_max_bet({ amount, position: on })
    case 'min_bet': return m.limit_min_bet({ amount, position: on })
    case 'round_max': return has > 0 ? m.limit_round_max_has({ amount, has: had }) : m.limit_round_max({ amount })
    case 'round_min': return m.limit_round_min({ amount })
    case 'step': return m.limit_step({ amount, position: on })
    case 'players': return m.limit_players({ count: value })
    case 'bets': return m.limit_bets({ count: value })
    case 'positions': return m.limit_positions({ count: value })
    case 'storage_bytes': return m.limit_storage_bytes()
    default: return undefined
  }
}

/** Returns an error in words for people: ours if there are some for its code, else the server's sentence. */
export function inWords(err: unknown, names?: Names): string {
  const { code = '', message, params } = err as { code?: string; message?: string; params?: ErrorParams }
  const limit = params && names && ofLimit(params, names)
  if (limit) return limit
  const known = (m as unknown as Readonly<Record<string, (() => string) | undefined>>)[`error_${code}`]
  return known?.() ?? (code.startsWith('token_') ? m.error_token() : (message ?? String(err)))
}

/** Says that these pages cannot show a game; name is the server's, or empty if that is not known either. */
export const unknownGame = (name: string): string => (name ? m.unknown_game({ name }) : m.unknown_game_of_table())
