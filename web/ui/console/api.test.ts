import { afterEach, expect, test, vi } from 'vitest'
import { PitbossError } from '../client/src/index.js'
import { Api, Once } from './api'

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
  const codeOf = (): Promise<string> => api.rooms().then(() => '', (e: PitbossError) => e.code)
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify({ error: { code: 'forbidden', message: 'no' } }), { status: 403 }))
  expect(await codeOf()).toBe('forbidden')
  vi.stubGlobal('fetch', async () => new Response('<html>Bad gateway</html>', { status: 502 }))
  expect(await codeOf()).toBe('unavailable')
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('failed')))
  expect(await codeOf()).toBe('disconnected')
})
