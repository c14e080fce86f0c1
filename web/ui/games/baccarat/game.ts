import { m } from '../../shared/messages'
import type { Game } from '../../shared/games'
import { eventTypes } from './types'

/** Baccarat, punto banco. */
const game: Game = {
  name: 'baccarat',
  title: () => m.baccarat_title(),
  events: eventTypes,
  words: {
    min_bet: 'Minimum bet',
    max_bet: 'Maximum per position',
    round_min: 'Minimum per hand',
    round_max: 'Maximum per hand',
    betting_ms: 'Seconds to bet',
    close_ms: 'Seconds till the first card',
    deal_ms: 'Seconds between cards',
    no_commission: 'No commission: banker pays 1:1, and 1:2 if it wins with six points',
    banker_step: 'Step of stakes on banker',
    pause_ms: 'Seconds of pause',
    max_by_kind: "Lower maximums by position (empty: the table's)",
    'max_by_kind.player': 'Player',
    'max_by_kind.banker': 'Banker',
    'max_by_kind.tie': 'Tie',
    'max_by_kind.player_pair': 'Player pair',
    'max_by_kind.banker_pair': 'Banker pair',
  },
  describe(settings, money) {
    const { min_bet, max_bet, betting_ms, no_commission } = settings
    const amount = (v: unknown): string => (typeof v === 'number' ? money(v) : '?')
    return {
      limits: `${amount(min_bet)}–${amount(max_bet)}`,
      ...(typeof betting_ms === 'number' ? { pace: m.pace({ seconds: betting_ms / 1000 }) } : {}),
      ...(no_commission ? { variant: m.baccarat_no_commission() } : {}),
    }
  },
  card: () => import('./Card.svelte').then((m) => m.default),
  table: () => import('./Table.svelte').then((m) => m.default),
  verifier: () => import('./verifier').then((m) => m.default),
}

export default game
