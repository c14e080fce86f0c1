import { m } from '../../shared/messages'
import type { Desk } from '../desk.svelte'

const kinds: Readonly<Record<string, () => string>> = { stake: () => m.booked_stake(), payout: () => m.booked_payout(), refund: () => m.booked_refund() }

/** Returns what a transaction is called. */
export const kindOf = (t: { kind: string; amount: number; reverses?: string }): string => (t.kind !== 'credit' ? (kinds[t.kind]?.() ?? t.kind) : t.reverses ? m.booked_reversal() : t.amount < 0 ? m.booked_debit() : m.booked_credit())

/** Writes an amount with its sign before it, also in a text that is read from the right. */
export const signed = (desk: Desk, minor: number): string => (minor > 0 ? `\u2066+${desk.money(minor)}\u2069` : desk.money(minor))
