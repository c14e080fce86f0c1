import { m } from '../../shared/messages'
import type { Delivery, FactType, Webhook } from '../api'

/** What endpoints can be told of. */
export const types: readonly FactType[] = ['round.settled', 'round.voided', 'player.credited', 'player.kicked', 'promotion.published', 'promotion.withdrawn', 'room.opened', 'room.closing', 'room.closed']

export const states: Readonly<Record<Webhook['state'], () => string>> = { active: () => m.webhook_active(), paused: () => m.webhook_paused(), disabled: () => m.webhook_disabled() }
export const deliveryStates: Readonly<Record<Delivery['state'], () => string>> = { pending: () => m.delivery_pending(), delivered: () => m.delivery_delivered(), dropped: () => m.delivery_dropped() }

/** Returns how an endpoint is marked. */
export const toneOf = (w: Webhook): string => (w.state !== 'active' ? 'bad' : w.failing_since ? 'warn' : 'good')
