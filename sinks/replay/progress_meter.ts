/** Rates and time left of a replay, from what it counts. */
import type { ReplayProgress as Counted } from '#pipeline/replay/replay.ts'
import type { ReplayProgress } from '#schemas/replays.ts'

/** Rates are of about so long ago until now. */
const WINDOW_MS = 10_000

interface Sample {
  readonly atMs: number
  readonly events: number
  readonly records: number
}

export class ProgressMeter {
  readonly #samples: Sample[] = []

  /** @param nowMs of a clock that only goes forward */
  measured({ partitions, events, records, deadLetters, caughtUp }: Counted, nowMs: number): ReplayProgress {
    this.#samples.push({ atMs: nowMs, events, records })
    while (this.#samples.length > 2 && nowMs - this.#samples[1].atMs >= WINDOW_MS) this.#samples.shift()
    const [first] = this.#samples
    const seconds = (nowMs - first.atMs) / 1000
    const perSecond = (of: (sample: Sample) => number, now: number) => (seconds === 0 ? 0 : (now - of(first)) / seconds)
    const done = partitions.reduce((sum, { begin, at }) => sum + at - begin, 0)
    const total = partitions.reduce((sum, { begin, end }) => sum + end - begin, 0)
    const recordsPerSecond = perSecond((sample) => sample.records, records)
    const secondsLeft = recordsPerSecond > 0 ? Math.ceil((total - done) / recordsPerSecond) : null
    return {
      records: done,
      recordsTotal: total,
      events,
      deadLetters,
      eventsPerSecond: Math.round(perSecond((sample) => sample.events, events)),
      secondsLeft: caughtUp ? 0 : secondsLeft,
      doing: caughtUp ? 'keeping up' : 'replaying',
    }
  }

  /** Before the first record. */
  before(doing: string): ReplayProgress {
    return { records: 0, recordsTotal: 0, events: 0, deadLetters: 0, eventsPerSecond: 0, secondsLeft: null, doing }
  }
}
