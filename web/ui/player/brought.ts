import type { MissedRound } from '../shared/games'
import { m } from '../shared/messages'

type Money = (minor: number) => string

/** Says what a round brought. UKGC RTS 14F: a return at or below the stake is not celebrated. */
export const brought = ({ staked, payout }: { staked: number; payout: number }, money: Money): string =>
  payout > staked ? m.you_won({ won: money(payout - staked), payout: money(payout), staked: money(staked) }) : m.paid_on({ payout: money(payout), staked: money(staked) })

/** Says what a round brought while the page did not see it. */
export const whileAway = (missed: MissedRound, money: Money): string => `${m.while_away({ round: missed.round })} ${missed.state === 'void' ? m.void_given_back() : brought(missed, money)}`
