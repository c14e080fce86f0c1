import { PitbossError } from '../../client/src/index.js'
import { readAmount } from '../../console/amount'
import type { Call } from '../../console/api'
import { m } from '../../shared/messages'
import { editMoney } from '../../shared/money'
import { calls, type Plan, type Rollout, type Tenant } from '../api'

/** Values are what was entered into the fields of a dialog; "yes" into one that is ticked. */
export type Values = Readonly<Record<string, string>>

/** Question is a field of a dialog. */
export interface Question {
  name: string
  label: string
  hint?: string
  kind?: 'text' | 'time' | 'tick'
  value?: string
  /** What can be chosen, with its name. */
  options?: Readonly<Record<string, string>>
  /** What is said of it if it is empty. */
  wanted?: string
  /** What has to be typed, to say that it is meant. */
  typed?: string
  /** The codes of errors that are about it. */
  codes?: readonly string[]
}

/** Ask is a dialog in which something is asked of the platform's process. */
export interface Ask {
  id: string
  scope: string
  title: string
  text: string
  label: string
  danger?: boolean
  fields: readonly Question[]
  /** What is said when it was done. */
  said: string
  /** Returns the call for what was entered, or says what is wrong with which field. */
  call(v: Values): Call<unknown>
}

/** Returns the error that says what is wrong with a field, as the API does. */
const wrong = (field: string, text: string): PitbossError => new PitbossError('invalid_params', `${field}: ${text}`)

const reason = (): Question => ({ name: 'reason', label: m.reason(), wanted: m.reason_wanted() })
const again = (slug: string): Question => ({ name: 'again', label: m.platform_slug_again({ slug }), typed: slug, hint: m.platform_slug_again_hint() })
const words = (text = ''): string[] => text.split(/[\s,]+/).filter((w) => w)
const because = (v: Values): { reason: string } => ({ reason: v.reason ?? '' })
/** Returns a time as the API has it, of a field that has this browser's time zone. */
const moment = (text = ''): string => new Date(text).toISOString()
const local = (at = ''): string => (at ? new Date(Date.parse(at) - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16) : '')

/** Returns the dialog that makes a casino. */
export const create = (): Ask => ({
  id: 'create', scope: 'tenants:write', title: m.platform_create(), text: m.platform_create_means(), label: m.platform_create_do(), said: '',
  fields: [
    { name: 'name', label: m.platform_casino_name(), wanted: m.platform_name_wanted() },
    { name: 'slug', label: m.platform_slug(), hint: m.platform_slug_hint(), wanted: m.platform_slug_wanted(), codes: ['slug_taken'] },
    { name: 'domains', label: m.platform_domains(), hint: m.platform_domains_hint(), wanted: m.platform_domain_wanted(), codes: ['domain_taken'] },
    { name: 'currency', label: m.platform_currency(), value: 'EUR', wanted: m.platform_currency_wanted() },
    { name: 'on_trial', label: m.platform_on_trial(), kind: 'tick' },
    { name: 'paid_until', label: m.platform_paid_until(), hint: m.platform_paid_until_hint(), kind: 'time' },
  ],
  call: (v) => calls.create({
    slug: v.slug ?? '', name: v.name ?? '', domains: words(v.domains), currency: (v.currency ?? '').toUpperCase(), auto_create_schema: true,
    ...(v.on_trial ? { on_trial: true } : {}), ...(v.paid_until ? { paid_until: moment(v.paid_until) } : {}),
  }),
})

/** Returns what is changed of a casino's settings; what stays as it is is left out. */
function settings(t: Tenant, v: Values): Parameters<typeof calls.set>[1] {
  const above = v.credit_approval_above?.trim() ?? ''
  const minor = above ? readAmount(above, t.exponent) : -1
  if (minor === undefined || minor < -1) throw wrong('credit_approval_above', m.amount_wrong({ example: editMoney(123450, t.exponent) }))
  const paid = v.paid_until ? moment(v.paid_until) : ''
  const ancestors = words(v.frame_ancestors)
  return {
    ...because(v),
    ...(v.name !== t.name ? { name: v.name ?? '' } : {}),
    ...(v.plan !== (t.plan ?? '') ? { plan: v.plan || 'none' } : {}),
    ...(v.jurisdiction !== (t.jurisdiction ?? '') ? { jurisdiction: v.jurisdiction || 'none' } : {}),
    ...((v.on_trial === 'yes') !== t.on_trial ? { on_trial: v.on_trial === 'yes' } : {}),
    ...(v.paid_until === local(t.paid_until) ? {} : paid ? { paid_until: paid } : { no_end: true }),
    ...(minor !== (t.credit_approval_above ?? -1) ? { credit_approval_above: minor } : {}),
    ...(ancestors.join(' ') !== t.frame_ancestors.join(' ') ? { frame_ancestors: ancestors } : {}),
    ...(v.currency !== t.currency ? { currency: v.currency ?? '' } : {}),
  }
}

/** Returns the dialogs about a casino; domain is the one that those of domains are about. */
export function asksOf(t: Tenant, domain = '', plans: readonly Plan[] = []): Ask[] {
  const { slug, name } = t
  const which = { name }
  const there = { name: domain }
  const end = { scope: 'tenants:end', danger: true }
  const write = { scope: 'tenants:write' }
  return [
    { id: 'enter', scope: 'tenants:enter', title: m.platform_enter_which(which), text: m.platform_enter_means(), label: m.platform_enter(), said: '',
      fields: [{ name: 'role', label: m.role(), value: 'operator', options: { operator: m.platform_role_operator(), support: m.platform_role_support() } }, reason()],
      call: (v) => calls.enter(slug, { role: v.role === 'support' ? 'support' : 'operator', ...because(v) }) },
    { id: 'set', ...write, title: m.platform_set_which(which), text: m.platform_set_means(), label: m.platform_set_do(), said: m.platform_set_said(which),
      fields: [
        { name: 'name', label: m.platform_casino_name(), value: name, wanted: m.platform_name_wanted() },
        { name: 'plan', label: m.platform_plan(), hint: m.platform_plan_hint({ command: 'pitboss plan' }), value: t.plan ?? '', options: Object.fromEntries([['', m.platform_plan_none()], ...new Set([...plans.map((p) => p.name), ...(t.plan ? [t.plan] : [])])].map((p) => (Array.isArray(p) ? p : [p, p]))) },
        { name: 'jurisdiction', label: m.platform_jurisdiction(), value: t.jurisdiction ?? '', hint: m.platform_jurisdiction_hint() },
        { name: 'on_trial', label: m.platform_on_trial(), kind: 'tick', value: t.on_trial ? 'yes' : '' },
        { name: 'paid_until', label: m.platform_paid_until(), hint: m.platform_paid_until_hint(), kind: 'time', value: local(t.paid_until) },
        { name: 'credit_approval_above', label: m.platform_approval({ currency: t.currency }), hint: m.platform_approval_hint(), value: t.credit_approval_above === undefined ? '' : editMoney(t.credit_approval_above, t.exponent) },
        { name: 'currency', label: m.platform_currency(), hint: m.platform_currency_hint(), value: t.currency, codes: ['currency_in_use'], wanted: m.platform_currency_wanted() },
        { name: 'frame_ancestors', label: m.platform_frame_ancestors(), hint: m.platform_frame_ancestors_hint(), value: t.frame_ancestors.join(' ') },
        reason(),
      ],
      call: (v) => calls.set(slug, settings(t, v)) },
    { id: 'provision', ...write, title: m.platform_provision_which(which), text: m.platform_provision_means(), label: m.platform_provision(), said: m.platform_provision_said(which), fields: [], call: () => calls.provision(slug) },
    { id: 'suspend', ...write, danger: true, title: m.platform_suspend_which(which), text: m.platform_suspend_means(), label: m.platform_suspend(), said: m.platform_suspend_said(which), fields: [reason()], call: (v) => calls.suspend(slug, because(v) as { reason: string }) },
    { id: 'maintain', ...write, title: m.platform_maintain_which(which), text: m.platform_maintain_means(), label: m.platform_maintain(), said: m.platform_maintain_said(which),
      fields: [{ name: 'back_at', label: m.platform_back_at(), hint: m.platform_back_at_hint(), kind: 'time' }, reason()],
      call: (v) => calls.maintain(slug, { ...because(v), ...(v.back_at ? { back_at: moment(v.back_at) } : {}) }) },
    { id: 'resume', ...write, title: m.platform_resume_which(which), text: m.platform_resume_means(), label: m.platform_resume(), said: m.platform_resume_said(which), fields: [], call: () => calls.resume(slug) },
    { id: 'rename', ...write, title: m.platform_rename_which(which), text: m.platform_rename_means(), label: m.platform_rename(), said: m.platform_rename_said(which),
      fields: [{ name: 'to', label: m.platform_slug_new(), hint: m.platform_slug_hint(), value: '', wanted: m.platform_slug_wanted(), codes: ['slug_taken'] }, reason()], call: (v) => calls.rename(slug, { to: v.to ?? '', ...because(v) }) },
    { id: 'archive', ...end, title: m.platform_archive_which(which), text: m.platform_archive_means(), label: m.platform_archive(), said: '', fields: [again(slug), reason()], call: (v) => calls.archive(slug, because(v)) },
    { id: 'purge', ...end, title: m.platform_purge_which(which), text: m.platform_purge_means(), label: m.platform_purge(), said: '', fields: [again(slug), reason()], call: (v) => calls.purge(slug, { confirm: v.again ?? '', ...because(v) }) },
    { id: 'add-domain', ...write, title: m.platform_add_domain_to(which), text: m.platform_add_domain_means(), label: m.platform_add_domain(), said: m.platform_set_said(which),
      fields: [{ name: 'domain', label: m.platform_domain(), wanted: m.platform_domain_wanted(), codes: ['domain_taken'] }, reason()], call: (v) => calls.domain(slug, 'add', { domain: v.domain ?? '', ...because(v) }) },
    { id: 'primary', ...write, title: m.platform_primary_which(there), text: m.platform_primary_means(), label: m.platform_primary(), said: m.platform_set_said(which), fields: [reason()], call: (v) => calls.domain(slug, 'primary', { domain, ...because(v) }) },
    { id: 'remove-domain', ...write, danger: true, title: m.platform_remove_domain_which(there), text: m.platform_remove_domain_means(), label: m.platform_remove_domain(), said: m.platform_set_said(which), fields: [reason()], call: (v) => calls.domain(slug, 'remove', { domain, ...because(v) }) },
    { id: 'verify', ...write, title: m.platform_verify_which(there), text: m.platform_verify_means(), label: m.platform_verify(), said: m.platform_verify_said(there), fields: [], call: () => calls.domain(slug, 'verify', { domain } as { domain: string; reason: string }) },
    { id: 'key', ...write, title: m.platform_key_make_for(which), text: m.platform_key_make_means(), label: m.platform_key_make(), said: '',
      fields: [
        { name: 'name', label: m.platform_key_name(), wanted: m.platform_name_wanted() },
        { name: 'scopes', label: m.platform_key_scopes(), hint: m.platform_key_scopes_hint(), value: 'rooms:read', wanted: m.platform_key_scopes_wanted() },
        { name: 'expires_at', label: m.platform_key_expires(), kind: 'time', hint: m.platform_key_expires_hint() },
        reason(),
      ],
      call: (v) => calls.key(slug, { name: v.name ?? '', scopes: words(v.scopes), ...because(v), ...(v.expires_at ? { expires_at: moment(v.expires_at) } : {}) }) },
    { id: 'end-key', ...write, danger: true, title: m.platform_key_end_of(which), text: m.platform_key_end_means(), label: m.platform_key_end(), said: m.platform_key_end_said(),
      fields: [{ name: 'key', label: m.platform_key_id(), hint: m.platform_key_id_hint(), wanted: m.platform_key_id_hint(), codes: ['not_found', 'key_ended'] }, reason()], call: (v) => calls.endKey(slug, { key: v.key ?? '', ...because(v) }) },
    { id: 'rotate', ...write, title: m.platform_rotate_of(which), text: m.platform_rotate_means(), label: m.platform_rotate(), said: '',
      fields: [{ name: 'retire', label: m.platform_rotate_retire(), kind: 'tick' }, reason()], call: (v) => calls.rotate(slug, { ...because(v), ...(v.retire ? { retire: true } : {}) }) },
  ]
}

/** What of its life can be asked for in each status, as tenancy.Life has it. */
const life: Readonly<Record<Tenant['status'], readonly string[]>> = {
  provisioning: ['provision', 'purge'],
  trial: ['suspend', 'maintain'],
  active: ['suspend', 'maintain'],
  grace: ['suspend', 'maintain'],
  unpaid: ['suspend'],
  maintenance: ['resume', 'maintain', 'suspend'],
  suspended: ['resume', 'maintain', 'archive'],
  archived: ['resume', 'archive', 'purge'],
  out_of_order: ['suspend', 'maintain', 'resume'],
}

/** Statuses in which staff are let in. */
const open: readonly Tenant['status'][] = ['trial', 'active', 'grace', 'maintenance']

/** Returns the ids of the dialogs that a casino's status allows, but for those of its domains and keys. */
export const allowed = (t: Tenant): string[] => [...(open.includes(t.status) ? ['enter'] : []), ...(t.status === 'archived' ? [] : ['set', 'rename']), ...life[t.status]]

/** Returns where a casino's console is, signed in by a token; undefined for a casino that has wildcards alone. */
export function consoleOf(t: Pick<Tenant, 'domains'>, token: string, here: Pick<Location, 'protocol' | 'port'> = location): string | undefined {
  const domain = t.domains.find((d) => !d.startsWith('*.'))
  return domain && `${here.protocol}//${domain}${here.port && `:${here.port}`}/console#token=${token}`
}

/** Returns the dialogs about the run of migrations. */
export function migrations(): Ask[] {
  const rollout = (v: Values): Rollout => {
    const most = v.max_failures?.trim() || '5'
    if (!/^\d{1,6}$/.test(most)) throw wrong('max_failures', m.platform_number_wrong())
    return { ...(words(v.tenants).length > 0 ? { tenants: words(v.tenants) } : {}), ...(words(v.canaries).length > 0 ? { canaries: words(v.canaries) } : {}), max_failures: Number(most) }
  }
  return [
    { id: 'migrate', scope: 'tenants:write', title: m.platform_migrate(), text: m.platform_migrate_means(), label: m.platform_migrate_do(), said: m.platform_migrate_said(),
      fields: [
        { name: 'canaries', label: m.platform_canaries(), hint: m.platform_canaries_hint(), codes: ['tenant_not_found'] },
        { name: 'tenants', label: m.platform_only(), hint: m.platform_only_hint() },
        { name: 'max_failures', label: m.platform_max_failures(), hint: m.platform_max_failures_hint(), value: '5' },
      ],
      call: (v) => calls.migrate(rollout(v)) },
    { id: 'pause', scope: 'tenants:write', title: m.platform_pause_run(), text: m.platform_pause_means(), label: m.platform_pause(), said: m.platform_pause_said(), fields: [reason()], call: (v) => calls.pause(because(v)) },
    { id: 'go-on', scope: 'tenants:write', title: m.platform_go_on_run(), text: m.platform_go_on_means(), label: m.platform_go_on(), said: m.platform_go_on_said(), fields: [reason()], call: (v) => calls.migrate({ resume: v.reason ?? '' }) },
    { id: 'cancel', scope: 'tenants:write', danger: true, title: m.platform_cancel_run(), text: m.platform_cancel_means(), label: m.platform_cancel(), said: m.platform_cancel_said(), fields: [reason()], call: (v) => calls.cancel(because(v)) },
  ]
}
