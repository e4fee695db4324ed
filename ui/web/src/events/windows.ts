/** Moving through time: the next window, the one before, into a brush and out again. */
import { bounds, type Range } from '../format/time.ts'

/** A range and where it ends, as the URL has both. */
export interface Place {
  readonly range: Range
  /** Unix milliseconds; `null`: now. */
  readonly until: number | null
}

/**
 * The window of the same length before (-1) or after (1). One that would reach past `now` ends there, and is a range that
 * goes on by itself.
 */
export function neighbour({ range, until }: Place, by: -1 | 1, now: number): Range {
  const { from, to } = bounds(range, until ?? now)
  const length = to - from
  if (to + by * length >= now) return { lastMs: length }
  return { from: from + by * length, to: to + by * length }
}

const MAX_STEPS = 20

/** Where one was before zooming in, the last on top. */
export class ZoomSteps {
  readonly #steps: Place[] = []

  push(place: Place): void {
    this.#steps.push(place)
    if (this.#steps.length > MAX_STEPS) this.#steps.shift()
  }

  pop(): Place | undefined {
    return this.#steps.pop()
  }
}
