// The felt in units of one number's field: zero on the left, twelve streets, columns on the right,
// dozens and even chances below. y grows downwards; 3 is in the top row, 1 in the bottom row.

interface Area {
  x: number
  y: number
  w: number
  h: number
}

export interface Spot {
  id: string
  numbers: number[]
  x: number // the centre
  y: number
  /** Of a position with a field of its own. */
  field?: Area & { text: string; colour: string }
  /** Of a position on lines: whether it lies on one that crosses the x axis, and the y axis. */
  on?: { x: boolean; y: boolean }
}

export const width = 14.1
export const height = 4.9

const reds = new Set([1, 3, 5, 7, 9, 12, 14, 16, 18, 19, 21, 23, 25, 27, 30, 32, 34, 36])
export const colourOf = (n: number): 'green' | 'red' | 'black' => (n === 0 ? 'green' : reds.has(n) ? 'red' : 'black')

const all = Array.from({ length: 36 }, (_, i) => i + 1)
const column = (n: number): number => 1 + Math.floor((n - 1) / 3)
const row = (n: number): number => 2 - ((n - 1) % 3)

function build(): Spot[] {
  const out: Spot[] = []
  const inside = (kind: string, numbers: number[], x: number, y: number, on: { x: boolean; y: boolean }): void => {
    const id = kind === 'first_four' ? kind : `${kind}:${numbers.join('-')}`
    out.push({ id, numbers, x, y, on })
  }
  const field = (id: string, text: string, numbers: number[], x: number, y: number, w: number, h: number, colour = 'felt'): void => {
    out.push({ id, numbers, x: x + w / 2, y: y + h / 2, field: { x, y, w, h, text, colour } })
  }
  field('straight:0', '0', [0], 0, 0, 1, 3, 'green')
  for (const n of all) field(`straight:${n}`, String(n), [n], column(n), row(n), 1, 1, colourOf(n))
  for (let i = 1; i <= 3; i++) {
    field(`column:${i}`, '2:1', all.filter((n) => (n - 1) % 3 === i - 1), 13, 3 - i, 1.1, 1)
    field(`dozen:${i}`, ['1–12', '13–24', '25–36'][i - 1]!, all.filter((n) => Math.ceil(n / 12) === i), 1 + 4 * (i - 1), 3.2, 4, 0.8)
  }
  const even = [
    ['low', '1–18', all.filter((n) => n <= 18)], ['even', 'EVEN', all.filter((n) => n % 2 === 0)],
    ['red', 'RED', all.filter((n) => reds.has(n))], ['black', 'BLACK', all.filter((n) => !reds.has(n))],
    ['odd', 'ODD', all.filter((n) => n % 2 === 1)], ['high', '19–36', all.filter((n) => n > 18)],
  ] as const
  even.forEach(([id, text, numbers], i) => field(id, text, [...numbers], 1 + 2 * i, 4, 2, 0.8, id === 'red' || id === 'black' ? id : 'felt'))

  const upright = { x: true, y: false }
  const level = { x: false, y: true }
  const corner = { x: true, y: true }
  for (let n = 1; n <= 3; n++) inside('split', [0, n], 1, row(n) + 0.5, upright)
  for (const n of all) {
    const x = column(n)
    const y = row(n)
    if (n % 3 !== 0) inside('split', [n, n + 1], x + 0.5, y, level)
    if (n <= 33) inside('split', [n, n + 3], x + 1, y + 0.5, upright)
    if (n % 3 === 1) inside('street', [n, n + 1, n + 2], x + 0.5, 3, level)
    if (n % 3 !== 0 && n <= 32) inside('corner', [n, n + 1, n + 3, n + 4], x + 1, y, corner)
    if (n % 3 === 1 && n <= 31) inside('line', [n, n + 1, n + 2, n + 3, n + 4, n + 5], x + 1, 3, corner)
  }
  inside('trio', [0, 1, 2], 1, 2, corner)
  inside('trio', [0, 2, 3], 1, 1, corner)
  inside('first_four', [0, 1, 2, 3], 1, 3, corner)
  return out
}

export const spots: readonly Spot[] = build()

const byId = new Map(spots.map((s) => [s.id, s]))

/** Returns the position of that name, if there is one. */
export const spotOf = (id: string): Spot | undefined => byId.get(id)

/** Where a position can be clicked. Those on lines get a strip of each line, as wide as dx and dy say. */
export function area(s: Spot, dx: number, dy: number): Area {
  if (!s.on) return s.field!
  const w = s.on.x ? dx : 1 - dx
  const h = s.on.y ? dy : 1 - dy
  return { x: s.x - w / 2, y: s.y - h / 2, w, h }
}

/** The whole felt, and the parts of it that can be enlarged: from where to where along its length. */
export const parts: readonly { from: number; to: number; name: string }[] = [
  { from: 0, to: width, name: '' }, { from: 0, to: 5.4, name: '0–12' }, { from: 4.6, to: 9.4, name: '13–24' }, { from: 8.6, to: width, name: '25–36' },
]

/** Says whether a number pays a position. */
export const wins = (s: Spot, pocket: number): boolean => s.numbers.includes(pocket)

/** The nearest spot in a direction: what an arrow key goes to. */
export function neighbour(from: Spot, dx: number, dy: number): Spot {
  let best = from
  let least = Number.POSITIVE_INFINITY
  for (const s of spots) {
    const along = (s.x - from.x) * dx + (s.y - from.y) * dy
    if (along <= 0.05) continue
    const aside = Math.abs((s.x - from.x) * dy) + Math.abs((s.y - from.y) * dx)
    const cost = along + 3 * aside
    if (cost < least) [best, least] = [s, cost]
  }
  return best
}

/** The order of the numbers on a European wheel, clockwise. */
export const wheelOrder: readonly number[] = [
  0, 32, 15, 19, 4, 21, 2, 25, 17, 34, 6, 27, 13, 36, 11, 30, 8, 23, 10, 5, 24, 16, 33, 1, 20, 14, 31, 9, 22, 18, 29, 7, 28, 12, 35, 3, 26,
]
