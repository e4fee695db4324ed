/** Time as the receiver sees it; tests hand in one they move themselves. */
export interface Clock {
  /** Microseconds since 1970. May go backwards, as wall clocks do. */
  now(): number
  /** Calls `run` once, `delayMs` from now. Returns what cancels it. */
  after(delayMs: number, run: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now() * 1000,
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}
