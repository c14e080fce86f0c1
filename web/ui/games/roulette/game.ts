import { m } from '../../shared/messages'
import type { Game } from '../../shared/games'
import { eventTypes } from './types'

/** European roulette. */
const game: Game = {
  name: 'roulette',
  title: () => m.roulette_title(),
  events: eventTypes,
  words: {
    min_bet: 'Minimum bet',
    max_bet: 'Maximum per position',
    round_min: 'Minimum per round',
    round_max: 'Maximum per round',
    betting_ms: 'Seconds to bet',
    close_ms: 'Seconds till the spin',
    spin_ms: 'Seconds of spin',
    pause_ms: 'Seconds of pause',
    max_by_kind: "Lower maximums by kind of position (empty: the table's)",
    la_partage: 'La partage: zero gives back half of an even-money bet',
  },
  describe(settings, money) {
    const { min_bet, max_bet, betting_ms, la_partage } = settings
    const amount = (v: unknown): string => (typeof v === 'number' ? money(v) : '?')
    return {
      limits: `${amount(min_bet)}–${amount(max_bet)}`,
      ...(typeof betting_ms === 'number' ? { pace: m.pace({ seconds: betting_ms / 1000 }) } : {}),
      ...(la_partage ? { variant: m.roulette_la_partage() } : {}),
    }
  },
  card: () => import('./Card.svelte').then((m) => m.default),
  table: () => import('./Table.svelte').then((m) => m.default),
  verifier: () => import('./verifier').then((m) => m.default),
}

export default game
