import { m } from '../../shared/messages'
import { sayPosition } from './cards'
import type { Position, Result, Settings } from './types'

/** What a position says on the felt. */
export interface Spot {
  id: Position
  name: string
  /** The key that bets on it; 1 to 9, u, c, r and s are taken. */
  key: string
  pays: string
  notes: string[]
}

/** Returns the positions of a table, in the order in which they are gone through. */
export function positionsOf({ no_commission, banker_step, max_bet, max_by_kind }: Settings, money: (minor: number) => string): Spot[] {
  const banker = [
    no_commission ? m.baccarat_six_pays_half() : m.baccarat_commission(),
    ...(banker_step > 1 ? [m.baccarat_in_steps({ step: money(banker_step) })] : []),
  ]
  const spot = (id: Position, key: string, pays: string, notes: string[] = []): Spot => {
    const most = max_by_kind?.[id]
    return { id, name: sayPosition(id), key, pays, notes: most !== undefined && most < max_bet ? [...notes, m.up_to({ most: money(most) })] : notes }
  }
  return [
    spot('player_pair', 'P', '11:1'),
    spot('tie', 't', '8:1'),
    spot('banker_pair', 'B', '11:1'),
    spot('player', 'p', '1:1'),
    spot('banker', 'b', no_commission ? '1:1' : '0.95:1', banker),
  ]
}

/** Says whether a position won. */
export function won(position: Position, { winner, player_pair, banker_pair }: Result): boolean {
  return position === winner || (position === 'player_pair' && player_pair === true) || (position === 'banker_pair' && banker_pair === true)
}
