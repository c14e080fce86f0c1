import type { components } from '../../compiled/openapi'

export type KeyScope = components['schemas']['KeyScope']

const all: Readonly<Record<KeyScope, true>> = {
  'players:read': true, 'money:read': true, 'money:write': true, 'access:revoke': true, 'rooms:read': true, 'rooms:write': true,
  'rounds:void': true, 'games:read': true, 'connections:read': true, 'promotions:read': true, 'promotions:write': true, 'approvals:read': true,
  'audit:read': true, 'webhooks:read': true, 'webhooks:write': true, 'brand:read': true, 'brand:write': true, 'casino:read': true,
  'keys:read': true,
}
/** The scopes that a key can have, by what they are about. */
export const scopes = Object.keys(all) as KeyScope[]
