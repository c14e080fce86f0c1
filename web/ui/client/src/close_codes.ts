export interface CloseCode {
  code: number
  name: string
  reconnect: boolean
}

/** The close codes of pitboss.v1; a test holds them against hub/wire's. */
export const closeCodes: readonly CloseCode[] = [
  { code: 1000, name: 'normal', reconnect: false },
  { code: 1003, name: 'unsupported_data', reconnect: false },
  { code: 1009, name: 'frame_too_big', reconnect: false },
  { code: 1012, name: 'draining', reconnect: true },
  { code: 1013, name: 'overloaded', reconnect: true },
  { code: 4000, name: 'slow_consumer', reconnect: true },
  { code: 4001, name: 'idle', reconnect: true },
  { code: 4002, name: 'flooding', reconnect: true },
  { code: 4003, name: 'database_went_back', reconnect: true },
  { code: 4004, name: 'tenant_maintenance', reconnect: true },
  { code: 4500, name: 'superseded', reconnect: false },
  { code: 4501, name: 'token_expired', reconnect: false },
  { code: 4502, name: 'revoked', reconnect: false },
  { code: 4503, name: 'tenant_suspended', reconnect: false },
]

/** What a close code means; unknown ones go by their range. */
export function closeCode(code: number): CloseCode {
  return (
    closeCodes.find((c) => c.code === code) ?? {
      code,
      name: code === 1006 ? 'connection_lost' : `code_${code}`,
      reconnect: code < 4500 || code > 4999,
    }
  )
}
