/** How long to wait before the n-th try in a row (0 is the first): exponential with full jitter. */
export function backoff(attempt: number, random: () => number = Math.random, first = 250, most = 10_000): number {
  return random() * Math.min(most, first * 2 ** attempt)
}

/** How long to wait before what was `busy`, `rate_limited` or `unavailable` is sent again. */
export function pause(attempt: number): number {
  return 50 + backoff(attempt, Math.random, 100, 2000)
}
