import type { Component } from 'svelte'
import { m } from '../shared/messages'
import type { IconName } from './frame/Icon.svelte'

/** Section is a page of the console: a new one has a line here. */
export interface Section {
  /** Its part of the address. */
  id: string
  name(): string
  icon: IconName
  /** The key that leads to it after g. */
  key: string
  load(): Promise<{ default: Component }>
}

export const sections: readonly Section[] = [
  { id: 'tables', name: () => m.nav_tables(), icon: 'tables', key: 't', load: () => import('./tables/Tables.svelte') },
  { id: 'players', name: () => m.nav_players(), icon: 'players', key: 'p', load: () => import('./players/Players.svelte') },
  { id: 'connections', name: () => m.nav_connections(), icon: 'connections', key: 'c', load: () => import('./Connections.svelte') },
  { id: 'promotions', name: () => m.nav_promotions(), icon: 'promotions', key: 'o', load: () => import('./Promotions.svelte') },
  { id: 'money', name: () => m.nav_money(), icon: 'money', key: 'm', load: () => import('./money/Money.svelte') },
  { id: 'audit', name: () => m.nav_audit(), icon: 'audit', key: 'a', load: () => import('./Audit.svelte') },
  { id: 'system', name: () => m.nav_system(), icon: 'system', key: 's', load: () => import('./system/System.svelte') },
  { id: 'settings', name: () => m.nav_settings(), icon: 'settings', key: 'e', load: () => import('./settings/Settings.svelte') },
]
