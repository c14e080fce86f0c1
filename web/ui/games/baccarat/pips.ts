// Where the pips of a card are, on a face of 60 by 84.

type Point = readonly [x: number, y: number]

const left = 20
const middle = 30
const right = 40

const both = (...ys: number[]): Point[] => ys.flatMap((y) => [[left, y], [right, y]] as const)
const centre = (...ys: number[]): Point[] => ys.map((y) => [middle, y] as const)

const layouts: Readonly<Record<string, readonly Point[]>> = {
  2: centre(17, 67),
  3: centre(17, 42, 67),
  4: both(17, 67),
  5: [...both(17, 67), ...centre(42)],
  6: both(17, 42, 67),
  7: [...both(17, 42, 67), ...centre(29.5)],
  8: [...both(17, 42, 67), ...centre(29.5, 54.5)],
  9: [...both(17, 33.7, 50.3, 67), ...centre(42)],
  T: [...both(17, 33.7, 50.3, 67), ...centre(25.3, 58.7)],
}

/** Returns where the pips of a rank are; none of an ace or a court card, which have one picture. */
export const pipsOf = (rank: string): readonly Point[] => layouts[rank] ?? []

/** The outline of each suit, about 20 high, around its centre. */
export const outlines: Readonly<Record<string, string>> = {
  h: 'M0 9.5C-3 5-9.4 1.2-9.4-3.8C-9.4-7.2-7-9-4.7-9C-2.4-9-.7-7.6 0-5.4C.7-7.6 2.4-9 4.7-9C7-9 9.4-7.2 9.4-3.8C9.4 1.2 3 5 0 9.5Z',
  d: 'M0-10.5C1.8-6.6 4.4-3 7.6 0C4.4 3 1.8 6.6 0 10.5C-1.8 6.6-4.4 3-7.6 0C-4.4-3-1.8-6.6 0-10.5Z',
  s: 'M0-10C3-5.6 9.2-2 9.2 3C9.2 6.2 6.9 7.7 4.8 7.7C2.9 7.7 1.4 6.7.7 5C.9 7.4 1.7 9 3.2 10L-3.2 10C-1.7 9-.9 7.4-.7 5C-1.4 6.7-2.9 7.7-4.8 7.7C-6.9 7.7-9.2 6.2-9.2 3C-9.2-2-3-5.6 0-10Z',
  c: 'M0-9.8A4.4 4.4 0 0 1 3.7-3A4.4 4.4 0 1 1 .8 4.3C1 7 1.7 8.8 3.2 10L-3.2 10C-1.7 8.8-1 7-.8 4.3A4.4 4.4 0 1 1-3.7-3A4.4 4.4 0 0 1 0-9.8Z',
}
