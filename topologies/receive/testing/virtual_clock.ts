/** A clock moved by hand. */
import type { Clock } from '../clock.ts'

export class VirtualClock implements Clock {
  #now: number
  #timers: { readonly at: number; readonly run: () => void }[] = []

  /** @param now microseconds since 1970 */
  constructor(now = 1_700_000_000_000_000) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#now + delayMs * 1000, run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer)
    }
  }

  get timers(): number {
    return this.#timers.length
  }

  /** Runs what comes due on the way, in order. */
  advance(durationMs: number): void {
    const until = this.#now + durationMs * 1000
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)
      if (next === undefined) break
      this.#timers = this.#timers.filter((timer) => timer !== next)
      this.#now = Math.max(this.#now, next.at)
      next.run()
    }
    this.#now = until
  }

  /** Sets the wall clock, backwards too; timers keep the distance they had. */
  set(now: number): void {
    const change = now - this.#now
    this.#timers = this.#timers.map(({ at, run }) => ({ at: at + change, run }))
    this.#now = now
  }
}
