import { m } from '../../shared/messages'
import type { Approval } from '../api'

/** What the states of an approval are called. */
export const states: Readonly<Record<Approval['state'], () => string>> = {
  open: () => m.approval_open(), approved: () => m.approval_approved(), refused: () => m.approval_refused(), withdrawn: () => m.approval_withdrawn(), expired: () => m.approval_expired(),
}

/** Returns how a state is marked. */
export const toneOf = (state: Approval['state']): string => (state === 'open' ? 'warn' : state === 'approved' ? 'good' : '')
