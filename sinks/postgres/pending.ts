/** What batches have added since the last flush: rows by key, and how far each partition has come. */
import { type Batch, isTick } from '#pipeline/batch/batch.ts'
import { Fold } from './fold.ts'
import type { Projection } from './projection.ts'

/** A step of one partition, in the order of origins. */
export interface Advance {
  readonly log: string
  readonly topic: string
  readonly partition: number
  /** Where the step begins; `null` where nothing of the partition has been stored. */
  readonly from: number | null
  to: number
}

export class Pending {
  readonly folds: ReadonlyMap<Projection, Fold>
  readonly advances = new Map<number, Advance>()
  /** When the first batch came, by `performance.now()`. */
  begunMs = 0
  batches = 0

  constructor(projections: readonly Projection[]) {
    this.folds = new Map(projections.map((projection) => [projection, new Fold(projection)]))
  }

  get rows(): number {
    return this.#sum(({ size }) => size)
  }

  /** About. */
  get bytes(): number {
    return this.#sum(({ bytes }) => bytes)
  }

  /** All of a batch or nothing. @param from where its partition stands before the batch @throws what projections throw */
  add(batch: Batch, from: number | null): void {
    const added = isTick(batch) ? [] : [...this.folds].map(([{ rows }, fold]) => [fold, [...rows(batch)]] as const)
    for (const [fold, rows] of added) for (const row of rows) fold.add(row)
    if (this.batches++ === 0) this.begunMs = performance.now()
    const { log, topic, partition, offset: to } = batch.origin
    const advance = this.advances.get(partition)
    if (advance === undefined) this.advances.set(partition, { log, topic, partition, from, to })
    else advance.to = to
  }

  #sum(of: (fold: Fold) => number): number {
    return [...this.folds.values()].reduce((sum, fold) => sum + of(fold), 0)
  }
}
