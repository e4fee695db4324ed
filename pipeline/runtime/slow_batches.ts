/** Names the stage that holds up the thread. One that never returns cannot be caught from within: this is for the rest. */
import type { Logger } from '../observability/logger.ts'

/** A stage runs on the main thread: beside network and other stages, nothing may take this long. */
const SLOW_MS = 1_000
const WARNING_INTERVAL_MS = 60_000

export class SlowBatches {
  readonly #logger: Pick<Logger, 'warn'>
  readonly #stage: string
  #warnedAtMs = Number.NEGATIVE_INFINITY
  /** Slow batches since the last warning. */
  #count = 0

  constructor(logger: Pick<Logger, 'warn'>, stage: string) {
    this.#logger = logger
    this.#stage = stage
  }

  /**
   * Warns of a batch that took longer than a second, once a minute at most.
   * @param nowMs of a clock that only goes forward
   */
  ran(durationMs: number, eventCount: number, nowMs: number): void {
    if (durationMs <= SLOW_MS) return
    this.#count++
    if (nowMs - this.#warnedAtMs < WARNING_INTERVAL_MS) return
    this.#logger.warn(
      { part: this.#stage, duration_ms: Math.round(durationMs), events: eventCount, slow_batches: this.#count },
      `stage ${this.#stage} took more than a second for one batch: nothing else ran meanwhile`,
    )
    this.#warnedAtMs = nowMs
    this.#count = 0
  }
}
