import type { components } from '../../compiled/openapi'

export type KeyScope = components['schemas']['KeyScope']

/** The scopes that a key can have, by what they are about: those that read, and those that change something. */
export const scopes: readonly KeyScope[] = [
  'players:read', 'money:read', 'money:write', 'access:revoke', 'rooms:read', 'rooms:write', 'rounds:void', 'games:read', 'connections:read', 'promotions:read', 'promotions:write',
  'approvals:read', 'audit:read', 'webhooks:read', 'webhooks:write', 'brand:read', 'brand:write', 'casino:read', 'keys:read',
]
