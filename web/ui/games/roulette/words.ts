import { m } from '../../shared/messages'
import { writeList } from '../../shared/locale'
import { colourOf, type Spot } from './positions'

/** Returns the name of a number's colour. */
export const sayColour = (pocket: number): string => ({ red: m.roulette_red, black: m.roulette_black, green: m.roulette_green })[colourOf(pocket)]()

/** Says a result: "17 black". */
export const sayPocket = (pocket: number): string => m.roulette_result({ pocket, colour: sayColour(pocket) })

/** Returns the name of a position: "split 17, 20". */
export function saySpot(spot: Spot | undefined): string {
  if (!spot) return ''
  const [kind = '', of = ''] = spot.id.split(':')
  const numbers = writeList(spot.numbers.map(String))
  switch (kind) {
    case 'straight': return m.roulette_straight({ number: of })
    case 'split': return m.roulette_split({ numbers })
    case 'trio': return m.roulette_trio({ numbers })
    case 'street': return m.roulette_street({ numbers })
    case 'corner': return m.roulette_corner({ numbers })
    case 'first_four': return m.roulette_first_four()
    case 'line': return m.roulette_line({ numbers })
    case 'dozen': return m.roulette_dozen({ from: spot.numbers[0]!, to: spot.numbers.at(-1)! })
    case 'column': return m.roulette_column({ column: of })
    case 'red': return m.roulette_red()
    case 'black': return m.roulette_black()
    case 'even': return m.roulette_even()
    case 'odd': return m.roulette_odd()
    case 'low': return m.roulette_low()
    default: return m.roulette_high()
  }
}

/** Returns what a position pays besides its stake, for each unit of it: 35 for a single number. */
export const paysOf = (spot: Spot): number => 36 / spot.numbers.length - 1

/** Says all that a position is to who does not see it: its name, what it pays, its colour if it has one. */
export function describe(spot: Spot): string {
  const colour = spot.numbers.length === 1 ? `, ${sayColour(spot.numbers[0]!)}` : ''
  return `${saySpot(spot)}${colour}, ${m.pays({ odds: `${paysOf(spot)}:1` })}`
}
