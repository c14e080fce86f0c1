import type { components, operations } from '../compiled/openapi-platform'
import type { Call } from '../console/api'

type Schemas = components['schemas']
export type Tenant = Schemas['Tenant']
export type Job = Schemas['Job']
export type Fleet = Schemas['Fleet']
export type Run = Schemas['Run']
export type Plan = Schemas['Plan']
export type PlatformNode = Schemas['Node']
export type Room = Schemas['Room']
export type AuditEntry = Schemas['AuditEntry']
export type MigrationPlan = Schemas['MigrationPlan']
export type Rollout = Schemas['Rollout']

/** A change is answered with what came of it, or with its job, if that takes long. */
export type Or<T> = T | Job

/** Operations of the API by their names: what is sent. */
type Sent<O extends keyof operations> = operations[O] extends { requestBody?: { content: { 'application/json': infer B } } } ? B : never

/** How long a change is waited for, before its job is shown. */
const shortly = { Prefer: 'wait=3' }
/** For what takes long: its job is shown at once. */
const later = { Prefer: 'respond-async' }

const get = <T>(path: string): Call<T> => ({ method: 'GET', path })
const post = <T>(path: string, body: object, headers: Record<string, string> = shortly): Call<T> => ({ method: 'POST', path, body, headers })
const of = (slug: string, what = ''): string => `v1/tenants/${encodeURIComponent(slug)}${what && `/${what}`}`

/** The calls of the platform's API that its console makes. */
export const calls = {
  session: () => get<Schemas['Session']>('v1/session'),
  tenant: (slug: string) => get<Tenant>(of(slug)),
  tenantsLike: (prefix: string, limit: number) => get<Schemas['Tenants']>(`v1/tenants?slug.prefix=${encodeURIComponent(prefix)}&limit=${limit}`),
  plans: () => get<Schemas['Plans']>('v1/plans'),
  job: (id: string) => get<Job>(`v1/jobs/${encodeURIComponent(id)}`),
  /** The last jobs of some kinds. */
  jobsOf: (kinds: readonly string[], limit: number) => get<Schemas['Jobs']>(`v1/jobs?kind.in=${kinds.join(',')}&limit=${limit}`),
  running: () => get<Schemas['Jobs']>('v1/jobs?state=running&limit=1'),
  fleet: () => get<Fleet>('v1/migrate'),
  nodes: () => get<Schemas['Nodes']>('v1/nodes'),

  create: (body: Sent<'createTenant'>) => post<Or<Tenant>>('v1/tenants', body),
  set: (slug: string, body: Sent<'setTenant'>): Call<Or<Tenant>> => ({ ...post<Or<Tenant>>(of(slug), body), method: 'PATCH' }),
  provision: (slug: string) => post<Or<Tenant>>(of(slug, 'provision'), {}),
  suspend: (slug: string, body: Sent<'suspendTenant'>) => post<Or<Tenant>>(of(slug, 'suspend'), body),
  resume: (slug: string) => post<Or<Tenant>>(of(slug, 'resume'), {}),
  maintain: (slug: string, body: Sent<'maintainTenant'>) => post<Or<Tenant>>(of(slug, 'maintenance'), body),
  rename: (slug: string, body: Sent<'renameTenant'>) => post<Or<Tenant>>(of(slug, 'rename'), body),
  archive: (slug: string, body: Sent<'archiveTenant'>) => post<Or<object>>(of(slug, 'archive'), body, later),
  purge: (slug: string, body: Sent<'purgeTenant'>) => post<Or<object>>(of(slug, 'purge'), body, later),
  domain: (slug: string, what: 'add' | 'remove' | 'primary' | 'verify', body: Sent<'addDomain'>) => post<Or<object>>(of(slug, `domains/${what}`), body),
  enter: (slug: string, body: Sent<'enterTenant'>) => post<Or<Schemas['Entry']>>(of(slug, 'entries'), body),
  key: (slug: string, body: Sent<'createTenantKey'>) => post<Or<Schemas['Key']>>(of(slug, 'keys'), body),
  endKey: (slug: string, body: Sent<'revokeTenantKey'>) => post<Or<object>>(of(slug, 'keys/revoke'), body),
  rotate: (slug: string, body: Sent<'rotateSigningKey'>) => post<Or<Schemas['SigningKey']>>(of(slug, 'signing-keys/rotate'), body),

  plan: (body: Rollout) => post<Or<MigrationPlan>>('v1/migrate/plan', body, { Prefer: 'wait=20' }),
  migrate: (body: Rollout) => post<Or<Fleet>>('v1/migrate', body, later),
  pause: (body: Sent<'pauseMigration'>) => post<Or<Fleet>>('v1/migrate/pause', body),
  cancel: (body: Sent<'cancelMigration'>) => post<Or<Fleet>>('v1/migrate/cancel', body),
  drift: () => post<Or<object>>('v1/drift', {}, later),
  doctor: () => post<Or<object>>('v1/doctor', {}, later),
}

/** Reports whether an answer is the job that was asked for, since it is not over. */
export const isJob = (answer: unknown): answer is Job => typeof answer === 'object' && answer !== null && 'attempts' in answer && 'kind' in answer

/** Reports whether an error says that too many look something up at once: whoever looks again and again waits for the next time. */
export const isBusy = (err: unknown): boolean => (err as { code?: string }).code === 'busy'

/** Reports whether a job is done or failed. */
export const isOver = ({ state }: Job): boolean => state === 'done' || state === 'failed'
