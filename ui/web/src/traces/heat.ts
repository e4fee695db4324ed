/** The heatmap's arithmetic: time from left to right, duration from below to above, a decade as high as any other. */
import type { Row } from '../api/ask.ts'
import { duration } from '../format/numbers.ts'
import { type Area, FIRST_DECADE, STEPS_A_DECADE } from './statements.ts'

export interface Cell {
  readonly bar: number
  readonly step: number
  readonly traces: number
  readonly errors: number
}

export interface Heat {
  /** Unix milliseconds of the left edge, and how wide a bar is. */
  readonly from: number
  readonly barMs: number
  readonly bars: number
  /** The lowest step that is shown, and how many there are. */
  readonly lowest: number
  readonly steps: number
  readonly cells: readonly Cell[]
  /** Of the fullest cell. */
  readonly most: number
}

/** So that a few traces of one kind do not fill the whole height. */
const LEAST_STEPS = 2 * STEPS_A_DECADE

export function heatOf(rows: readonly Row[], from: number, to: number, barMs: number): Heat {
  const cells = rows.map((row) => ({
    bar: Number(row.bar),
    step: Number(row.step),
    traces: Number(row.traces),
    errors: Number(row.errors),
  }))
  const steps = cells.map(({ step }) => step)
  const [low, high] = steps.length === 0 ? [0, 0] : [Math.min(...steps), Math.max(...steps)]
  const lowest = Math.max(0, low - Math.max(0, Math.ceil((LEAST_STEPS - (high - low + 1)) / 2)))
  return {
    from,
    barMs,
    bars: Math.max(1, Math.ceil((to - from) / barMs)),
    lowest,
    steps: Math.max(LEAST_STEPS, high - lowest + 1),
    cells,
    most: Math.max(1, ...cells.map(({ traces }) => traces)),
  }
}

/** Nanoseconds at the lower edge of a step. */
export const nanosOf = (step: number): number => Math.round(10 ** (FIRST_DECADE + step / STEPS_A_DECADE))

/** How strongly a cell is filled, 0.15 to 1: by the logarithm, so that one trace among thousands is seen. */
export function strength(traces: number, most: number): number {
  return 0.15 + 0.85 * (Math.log(traces + 1) / Math.log(most + 1))
}

/** What lies between two corners, whole cells. @param at shares of width and height from the upper left, 0 to 1 */
export function areaOf(heat: Heat, one: readonly [number, number], other: readonly [number, number]): Area {
  const bar = (share: number) => Math.max(0, Math.min(heat.bars - 1, Math.floor(share * heat.bars)))
  const step = (share: number) =>
    heat.lowest + Math.max(0, Math.min(heat.steps - 1, Math.floor((1 - share) * heat.steps)))
  const [left, right] = [Math.min(one[0], other[0]), Math.max(one[0], other[0])]
  const [above, below] = [Math.min(one[1], other[1]), Math.max(one[1], other[1])]
  return {
    from: heat.from + bar(left) * heat.barMs,
    to: heat.from + (bar(right) + 1) * heat.barMs,
    // Whatever is faster than a microsecond stands in the lowest step.
    leastNanos: step(below) === 0 ? 0 : nanosOf(step(below)),
    mostNanos: nanosOf(step(above) + 1),
  }
}

/** Lines at whole decades: the step and what it is called. */
export function decades({ lowest, steps }: Heat): { readonly step: number; readonly label: string }[] {
  const first = Math.ceil(lowest / STEPS_A_DECADE)
  const last = Math.floor((lowest + steps - 1) / STEPS_A_DECADE)
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => {
    const step = (first + at) * STEPS_A_DECADE
    return { step, label: duration(nanosOf(step) / 1e6).replace(/\.0+ /, ' ') }
  })
}

/** `from/to/least/most` as the URL has it; `null` for anything else. */
export function parseArea(text: string): Area | null {
  const [from, to, leastNanos, mostNanos] = text.split('/').map(Number)
  return from < to && leastNanos < mostNanos ? { from, to, leastNanos, mostNanos } : null
}

export const areaText = ({ from, to, leastNanos, mostNanos }: Area): string =>
  `${from}/${to}/${leastNanos}/${mostNanos}`
