import { afterEach, expect, test, vi } from 'vitest'
import { PitbossError } from '../client/src/index.js'
import { Api, asCurl, calls, Once } from './api'

afterEach(() => vi.unstubAllGlobals())

/** Runs the same write until it is answered, and tells the ids that were used. */
async function ids(once: Once, steps: [body: object, fails: string | undefined][]): Promise<number[]> {
  const seen: string[] = []
  const out: number[] = []
  for (const [body, fails] of steps) {
    await once
      .run(body, (id) => {
        if (!seen.includes(id)) seen.push(id)
        out.push(seen.indexOf(id))
        return fails ? Promise.reject(new PitbossError(fails, '')) : Promise.resolve()
      })
      .catch(() => undefined)
  }
  return out
}

test('a write that got no answer is sent again under its own id', async () => {
  const a = { amount: 1 }
  expect(await ids(new Once(), [[a, 'disconnected'], [a, 'unavailable'], [a, 'busy'], [a, 'rate_limited'], [a, 'internal'], [a, undefined]])).toEqual([0, 0, 0, 0, 0, 0])
})

test('after an answer, also a refusal, and with another content, it is another write', async () => {
  const a = { amount: 1 }
  expect(await ids(new Once(), [[a, undefined], [a, 'insufficient_funds'], [a, 'disconnected'], [{ amount: 2 }, 'disconnected']])).toEqual([0, 1, 2, 3])
})

test('errors of the API have its code, and what is no answer of it is no answer', async () => {
  const api = new Api('T')
  const codeOf = (): Promise<string> => api.do(calls.rooms()).then(() => '', (e: PitbossError) => e.code)
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify({ error: { code: 'forbidden', message: 'no' } }), { status: 403 }))
  expect(await codeOf()).toBe('forbidden')
  vi.stubGlobal('fetch', async () => new Response('<html>Bad gateway</html>', { status: 502 }))
  expect(await codeOf()).toBe('unavailable')
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('failed')))
  expect(await codeOf()).toBe('disconnected')
})

test('a token that is not good any more is replaced, and what was being done goes on', async () => {
  const sent: [string, string | null][] = []
  vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
    const token = new Headers(init.headers).get('Authorization') ?? ''
    sent.push([token, init.body as string | null])
    return token === 'Bearer new' ? new Response('{"balance": 5}') : new Response(JSON.stringify({ error: { code: 'token_expired', message: 'no' } }), { status: 401 })
  })
  const api = new Api('old', async () => 'new')
  expect(await api.do(calls.credit('alice', { amount: 5, reason: 'x' }, false))).toEqual({ balance: 5 })
  expect(sent).toEqual([['Bearer old', '{"amount":5,"reason":"x"}'], ['Bearer new', '{"amount":5,"reason":"x"}']])
  await expect(new Api('old', () => Promise.reject(new PitbossError('token_expired', ''))).do(calls.rooms())).rejects.toMatchObject({ code: 'token_expired' })
})

test('a call is shown as a line that a shell reads as it is, without the token', () => {
  expect(asCurl(calls.rooms(), 'https://x.example/')).toBe(`curl 'https://x.example/v1/rooms' \\\n  -H "Authorization: Bearer $PITBOSS_TOKEN"`)
  expect(asCurl(calls.kick('a/b', { reason: "it's over" }), 'https://x.example/t/y/')).toBe(
    `curl -X POST 'https://x.example/t/y/v1/players/a%2Fb/kick' \\\n  -H "Authorization: Bearer $PITBOSS_TOKEN" \\\n  -H 'Content-Type: application/json' \\\n  -d '{"reason":"it'\\''s over"}'`,
  )
})
