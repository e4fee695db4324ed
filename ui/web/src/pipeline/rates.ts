/** What a part does per second, from answers two seconds apart. */
import type { PartReport, Sample } from '../api/topology.ts'

export interface PartRates {
  /** Unix milliseconds. */
  readonly at: number
  /** Events taken in per second. */
  readonly events: number
  /** Share of the time its own operators were at work, 0 to 1 for each partition. */
  readonly busy: number
  /** Records of its topic it has not committed. */
  readonly lag: number
}

/** One entry for each pair of answers that follow one another. */
export function ratesOf(samples: readonly Sample[], name: string): PartRates[] {
  const found = samples.flatMap(({ at, report }) => {
    const part = report.parts.find((each) => each.name === name)
    return part === undefined ? [] : [{ at, part }]
  })
  return found.slice(1).map(({ at, part }, index) => {
    const before = found[index]
    const seconds = (at - before.at) / 1000
    return {
      at,
      events: Math.max(0, part.events_total - before.part.events_total) / seconds,
      busy: Math.max(0, part.busy_seconds_total - before.part.busy_seconds_total) / seconds,
      lag: part.lag_records,
    }
  })
}

export type Condition = 'stopped' | 'late' | 'well'

/** Records a stage may be behind before it is called late: a few batches are always on their way. */
const LATE_RECORDS = 50

export function conditionOf(part: PartReport): Condition {
  if (part.partitions.some(({ condition }) => condition === 'stopped')) return 'stopped'
  // A sink gathers before it writes: what waits there is not late.
  return part.kind === 'stage' && part.lag_records > LATE_RECORDS ? 'late' : 'well'
}
