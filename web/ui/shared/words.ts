import { m } from './messages'

/** Returns an error in words for people: ours if there are some for its code, else the server's sentence. */
export function inWords(err: unknown): string {
  const { code = '', message } = err as { code?: string; message?: string }
  const known = (m as unknown as Readonly<Record<string, (() => string) | undefined>>)[`error_${code}`]
  return known?.() ?? (code.startsWith('token_') ? m.error_token() : (message ?? String(err)))
}

/** Says that these pages cannot show a game; name is the server's, or empty if that is not known either. */
export const unknownGame = (name: string): string => (name ? m.unknown_game({ name }) : m.unknown_game_of_table())
