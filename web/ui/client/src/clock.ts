interface Sample {
  rtt: number
  offset: number
}

/**
 * Clock estimates the server's clock and the round trip from pings, as NTP does: a reply that
 * took rtt was written about rtt/2 ago. The quickest of the last samples counts for the offset,
 * since it has the least room for error; the median is what the player feels.
 */
export class Clock {
  #samples: Sample[] = []

  add(sentMs: number, gotMs: number, serverMs: number): void {
    const rtt = Math.max(0, gotMs - sentMs)
    this.#samples.push({ rtt, offset: serverMs - (sentMs + rtt / 2) })
    if (this.#samples.length > 9) this.#samples.shift()
  }

  /** The first guess, from a message that was not asked for. */
  hint(gotMs: number, serverMs: number): void {
    if (this.#samples.length === 0) this.#samples.push({ rtt: Number.POSITIVE_INFINITY, offset: serverMs - gotMs })
  }

  /** The median round trip in milliseconds; undefined before the first ping. */
  get rtt(): number | undefined {
    const known = this.#samples.map((s) => s.rtt).filter(Number.isFinite).sort((a, b) => a - b)
    return known[Math.floor(known.length / 2)]
  }

  /** How far the server's clock is ahead of ours, in milliseconds. */
  get offset(): number {
    let best: Sample | undefined
    for (const s of this.#samples) if (!best || s.rtt < best.rtt) best = s
    return best?.offset ?? 0
  }
}
