import { m } from '../shared/messages'
import type { Desk } from './desk.svelte'
import type { Entry, Verb } from './palette'
import { sections } from './sections'
import { theme, themes } from './theme.svelte'

/** Returns what can be done with one thing, for whoever may. */
export const verbs = (): Verb[] => [
  { id: 'credit', of: 'player', word: m.credit(), title: (name) => m.credit_whom({ name }), to: (id) => ({ section: 'players', id, action: 'credit', on: id }) },
  { id: 'kick', of: 'player', word: m.kick(), title: (name) => m.kick_whom({ name }), to: (id) => ({ section: 'players', id, action: 'kick', on: id }) },
  { id: 'void', of: 'table', word: m.void_round(), title: (name) => m.void_round_at({ name }), to: (on) => ({ section: 'tables', action: 'void', on }) },
  { id: 'close', of: 'table', word: m.close_table(), title: (name) => m.close_which({ name }), to: (on) => ({ section: 'tables', action: 'close', on }) },
  { id: 'withdraw', of: 'promotion', word: m.withdraw(), title: (name) => m.withdraw_which({ name }), to: (on) => ({ section: 'promotions', action: 'withdraw', on }) },
]

/** Returns the pages, and what can be done from anywhere. */
export function always(desk: Desk, keys: () => void): Entry[] {
  const themeNames = { system: m.theme_like_system(), light: m.theme_to_light(), dark: m.theme_to_dark() }
  const action = (id: string, title: string, to: Entry['to']): Entry => ({ id, kind: 'action', title, to })
  return [
    ...sections.map((s): Entry => ({ id: `page ${s.id}`, kind: 'page', title: s.name(), to: { section: s.id } })),
    { id: 'trial balance', kind: 'page', title: m.trial_balance(), to: { section: 'money', id: 'trial-balance' } },
    { id: 'limits', kind: 'page', title: m.limits_title(), to: { section: 'system', id: 'limits' } },
    ...(desk.writes
      ? [
          action('open', m.open_a_table(), { section: 'tables', action: 'open' }),
          action('publish', m.publish_a_promotion(), { section: 'promotions', action: 'publish' }),
          action('credit', m.credit_a_player(), { section: 'players', action: 'credit' }),
          action('approvals', m.approvals(), { section: 'money', id: 'approvals', filters: { state: 'open' } }),
          action('key', m.key_create(), { section: 'system', id: 'keys', action: 'new-key' }),
          action('webhook', m.webhook_create(), { section: 'system', id: 'webhooks', action: 'new-webhook' }),
          action('brand', m.brand_change(), { section: 'settings', action: 'brand' }),
          action('logo', m.logo_change(), { section: 'settings', action: 'logo' }),
        ]
      : []),
    ...themes.filter((t) => t !== theme.choice).map((t) => action(`theme ${t}`, themeNames[t], () => (theme.choice = t))),
    action('keys', m.keys(), keys),
    action('sign out', m.sign_out(), desk.signOut),
  ]
}
