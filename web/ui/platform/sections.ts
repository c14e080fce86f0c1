import type { Section } from '../console/sections'
import { m } from '../shared/messages'

export const sections: readonly Section[] = [
  { id: 'casinos', name: () => m.platform_casinos(), icon: 'casinos', key: 'c', load: () => import('./casinos/Casinos.svelte') },
  { id: 'jobs', name: () => m.platform_jobs(), icon: 'jobs', key: 'j', load: () => import('./jobs/Jobs.svelte') },
  { id: 'migration', name: () => m.platform_migration(), icon: 'migration', key: 'm', load: () => import('./fleet/Migration.svelte') },
  { id: 'checks', name: () => m.platform_checks(), icon: 'checks', key: 'h', load: () => import('./fleet/Checks.svelte') },
  { id: 'nodes', name: () => m.platform_nodes(), icon: 'connections', key: 'n', load: () => import('./fleet/Nodes.svelte') },
  { id: 'audit', name: () => m.platform_audit(), icon: 'audit', key: 'a', load: () => import('./Audit.svelte') },
]
