import { expect, test } from 'vitest'
import { Api, type Call } from '../api'
import { Pages } from './pages.svelte'

interface Row {
  id: number
  n: number
}
const source = { path: 'v1/things', limit: 3, rows: (a: Record<string, unknown>) => a.things as Row[], key: (r: Row) => String(r.id) }

/** A server of some rows; told are the paths that it was asked for. */
function server(rows: Row[]): { api: Api; told: string[]; hold: { fails?: string } } {
  const told: string[] = []
  const hold: { fails?: string } = {}
  const api = new Api('')
  api.do = async <T>({ path }: Call<T>): Promise<T> => {
    told.push(path)
    if (hold.fails) throw Object.assign(new Error(), { code: hold.fails })
    const query = new URL(path, 'http://x').searchParams
    const [from, limit] = [Number(query.get('cursor') ?? 0), Number(query.get('limit'))]
    return { things: rows.slice(from, from + limit), ...(from + limit < rows.length ? { next: String(from + limit) } : {}) } as T
  }
  return { api, told, hold }
}
const rowsOf = (n: number): Row[] => Array.from({ length: n }, (_, id) => ({ id, n: 0 }))

test('pages follow each other by their cursors, and the address says where a row is', async () => {
  const { api, told } = server(rowsOf(8))
  const pages = new Pages(api, source)
  await pages.start('sort=-n', '')
  expect([pages.count, pages.more, pages.later]).toEqual([3, true, false])
  await Promise.all([pages.ask(), pages.ask()]) // one of them
  await pages.ask()
  await pages.ask() // there are no more
  expect(told).toEqual(['v1/things?sort=-n&limit=3', 'v1/things?sort=-n&cursor=3&limit=3', 'v1/things?sort=-n&cursor=6&limit=3'])
  expect([pages.count, pages.more, pages.cursorAt(0), pages.cursorAt(5), pages.cursorAt(7), pages.find('7')]).toEqual([8, false, '', '3', '6', 7])
  expect([pages.has('sort=-n', '3'), pages.has('sort=-n', '5'), pages.has('', '3'), pages.address()]).toEqual([true, false, false, 'v1/things?sort=-n'])
})

test('a list may begin anywhere', async () => {
  const pages = new Pages(server(rowsOf(8)).api, source)
  await pages.start('', '6')
  expect([pages.slice(0, 9).map((r) => r.id), pages.later, pages.more, pages.address()]).toEqual([[6, 7], true, false, 'v1/things?cursor=6'])
})

test('a refresh brings rows up to date where they are, and a short list as it is', async () => {
  const rows = rowsOf(5)
  const pages = new Pages(server(rows).api, source)
  await pages.start('', '')
  await pages.ask()
  rows[4] = { id: 4, n: 9 }
  await pages.refresh(4)
  expect(pages.slice(0, 9).map((r) => r.n)).toEqual([0, 0, 0, 0, 9])

  const late = new Pages(server(rows).api, source)
  const asked = late.start('', '') // before the change that the refresh is for
  rows[0] = { id: 0, n: 7 }
  await Promise.all([asked, late.refresh(0)])
  expect(late.slice(0, 1).map((r) => r.n)).toEqual([7])

  const few = rowsOf(1)
  const short = new Pages(server(few).api, source)
  await short.start('', '')
  few.unshift({ id: 5, n: 0 })
  await short.refresh(0)
  expect(short.slice(0, 9).map((r) => r.id)).toEqual([5, 0])
})

test('what fails says so, keeps the rows, and can be asked for again; an old answer is dropped', async () => {
  const { api, hold } = server(rowsOf(8))
  const pages = new Pages(api, source)
  await pages.start('', '')
  hold.fails = 'busy'
  await pages.ask()
  expect([pages.count, pages.error !== '', pages.asking]).toEqual([3, true, false])
  delete hold.fails
  await pages.again()
  expect([pages.count, pages.error]).toEqual([6, ''])
  const old = pages.start('a=1', '')
  await Promise.all([old, pages.start('a=2', '6')])
  expect([pages.count, pages.has('a=2', '6')]).toEqual([2, true])
})
