const words: Record<string, string> = {
  insufficient_funds: 'Your balance does not cover this bet.',
  betting_closed: 'No more bets in this round.',
  room_closed: 'This table is closed.',
  nothing_to_void: 'Nobody has a stake on this table now.',
  room_not_found: 'This table is not there any more.',
  forbidden: 'This is not for your role.',
  timeout: 'No answer in time. The table shows what counted.',
  disconnected: 'The connection was lost.',
  rate_limited: 'Slower, please.',
  token_missing: 'You are not signed in.',
  token_expired: 'Your session has ended. Open the game again from the casino.',
  unknown_host: 'There is no casino at this address.',
  tenant_suspended: 'The casino is closed.',
  tenant_unpaid: 'The casino is closed.',
  tenant_out_of_order: 'The casino is out of order; try again later.',
}

/** An error in words for people: our own where there are some, else the server's sentence. */
export function inWords(err: unknown): string {
  const e = err as { code?: string; message?: string }
  return words[e.code ?? ''] ?? e.message ?? String(err)
}

/** What is said to who comes back to a table, or loads its page again, before all was answered. */
export const wasUnanswered = 'You left this table before your last bet was answered. The table and your balance show whether it counted.'

/** Says that these pages cannot show a game; name is the server's, or empty if that is not known either. */
export function unknownGame(name: string): string {
  return name ? `This page does not know the game “${name}”.` : 'This page does not know the game of this table.'
}

/** What is said when a part of a page could not be fetched, or is not there any more. */
export const notLoaded = 'This part of the page could not be loaded: the connection was lost, or there is a newer version.'
