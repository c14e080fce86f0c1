import { m } from '../../shared/messages'

/** What to do about a limit: words of the page. */
type Advice = 'plan' | 'slower' | 'wait' | 'fewer' | 'client' | 'platform'

/** The limits that a casino can meet, as the server names them, and what helps. */
export const advices: Readonly<Record<string, Advice>> = {
  plan_sockets: 'plan', rooms: 'plan', plan_commands_per_second: 'plan', storage_bytes: 'plan', tenant_connections: 'plan', plan_questions: 'plan',
  person_requests: 'slower', tenant_requests: 'slower', history_reads: 'slower', round_lookups: 'slower', rounds_read_bytes: 'slower', chat_rate: 'slower',
  connects_per_second: 'slower', tenant_connects_per_second: 'slower', commands_per_second: 'slower', bytes_per_second: 'slower', tenant_commands_per_second: 'slower', tenant_bytes_per_second: 'slower',
  frames_per_second: 'slower', refusals: 'slower', player_commands: 'slower',
  trial_balances: 'wait', streams: 'wait', searches: 'wait', resume_reads: 'wait', in_flight: 'wait', endpoint_in_flight: 'wait',
  api_keys: 'fewer', webhooks: 'fewer', approvals_open: 'fewer', revocations: 'fewer', sockets_per_staff: 'fewer',
  frame_bytes: 'client', queue_bytes: 'client', write_seconds: 'client', topics_per_conn: 'client', rooms_per_socket: 'client', chat_length: 'client', body_bytes: 'client', history_page: 'client', round_bytes: 'client',
  api_key_name: 'client', api_key_addresses: 'client', api_key_overlap: 'client', webhook_url_bytes: 'client',
  sockets_per_tenant: 'platform', mailbox: 'platform', room_bytes: 'platform', player_bytes: 'platform', brief: 'platform',
}
const words: Readonly<Record<Advice, () => string>> = {
  plan: () => m.limit_do_plan(), slower: () => m.limit_do_slower(), wait: () => m.limit_do_wait(), fewer: () => m.limit_do_fewer(), client: () => m.limit_do_client(), platform: () => m.limit_do_platform(),
}

/** Returns what to do about a limit. */
export const adviceOn = (limit: string): string => words[advices[limit] ?? 'platform']()

const names: Readonly<Record<string, () => string>> = {
  plan_sockets: () => m.plan_players(), rooms: () => m.plan_tables(), plan_commands_per_second: () => m.plan_commands(), storage_bytes: () => m.plan_storage(), tenant_connections: () => m.plan_database(),
}

/** Returns what a limit of a plan is called; undefined for any other. */
export const planned = (limit: string): string | undefined => names[limit]?.()
