const values = [1, 2, 5, 10, 25, 50, 100, 500, 1000, 2500, 10_000, 50_000, 100_000, 500_000, 1_000_000, 5_000_000, 10_000_000]
const most = 6

/**
 * The chips of a table, in minor units: the least bet, and round values up to the limit. Where stakes must
 * be multiples of a step, chips are, as far as the limits allow it.
 */
export function chipsFor(min: number, max: number, step = min): number[] {
  const least = Math.ceil(min / step) * step
  if (least > max) return [min]
  return [least, ...values.filter((v) => v > least && v <= max && v % step === 0)].slice(0, most)
}

/** The chips that an amount is stacked from, the largest first, as indexes; at most four are shown. */
export function stack(amount: number, chips: number[]): number[] {
  const out: number[] = []
  for (let i = chips.length - 1; i >= 0 && out.length < 4; i--) {
    for (; amount >= chips[i]! && out.length < 4; amount -= chips[i]!) out.push(i)
  }
  return out.length > 0 ? out : [0]
}
