import { m } from '../../shared/messages'
import type { Delivery, FactType, Webhook } from '../api'

const all: Readonly<Record<FactType, true>> = {
  'round.settled': true, 'round.voided': true, 'player.credited': true, 'player.kicked': true, 'promotion.published': true,
  'promotion.withdrawn': true, 'room.opened': true, 'room.closing': true, 'room.closed': true,
}
/** What endpoints can be told of. */
export const types = Object.keys(all) as FactType[]

export const states: Readonly<Record<Webhook['state'], () => string>> = { active: () => m.webhook_active(), paused: () => m.webhook_paused(), disabled: () => m.webhook_disabled() }
export const deliveryStates: Readonly<Record<Delivery['state'], () => string>> = { pending: () => m.delivery_pending(), delivered: () => m.delivery_delivered(), dropped: () => m.delivery_dropped() }

/** Returns how an endpoint is marked. */
export const toneOf = (w: Webhook): string => (w.state !== 'active' ? 'bad' : w.failing_since ? 'warn' : 'good')
