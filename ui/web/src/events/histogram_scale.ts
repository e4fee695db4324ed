/** Bars and ticks that fall on round times. */
import { clock } from '../format/time.ts'

const S = 1_000
const MIN = 60 * S
const H = 60 * MIN
const DAY = 24 * H
const STEPS_MS = [
  100,
  250,
  500,
  S,
  2 * S,
  5 * S,
  10 * S,
  15 * S,
  30 * S,
  MIN,
  2 * MIN,
  5 * MIN,
  10 * MIN,
  15 * MIN,
  30 * MIN,
  H,
  2 * H,
  3 * H,
  6 * H,
  12 * H,
  DAY,
  7 * DAY,
] as const

const MAX_BARS = 100
const MAX_TICKS = 9

/** The narrowest round width with which a range has at most 100 bars. */
export function barWidthMs(rangeMs: number): number {
  return STEPS_MS.find((step) => rangeMs / step <= MAX_BARS) ?? Math.ceil(rangeMs / MAX_BARS / DAY) * DAY
}

export interface Tick {
  /** Unix milliseconds. */
  readonly at: number
  readonly label: string
}

/** At most nine round times within a range, those too near to its ends left out. */
export function ticksOf(from: number, to: number): Tick[] {
  const step =
    STEPS_MS.find((each) => (to - from) / each <= MAX_TICKS) ?? Math.ceil((to - from) / MAX_TICKS / DAY) * DAY
  const ticks: Tick[] = []
  for (let at = Math.ceil(from / step) * step; at < to; at += step) {
    const share = (at - from) / (to - from)
    if (share > 0.02 && share < 0.965) ticks.push({ at, label: label(at, step) })
  }
  return ticks
}

function label(at: number, step: number): string {
  if (step >= DAY) return new Date(at).toISOString().slice(5, 10)
  return step < MIN ? clock(at) : clock(at).slice(0, 5)
}
