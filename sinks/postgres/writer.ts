/**
 * Folds batches in memory and stores them about once a second. One flush at a time, while the next is being folded; what
 * both hold is bounded, and `write` waits at the bound. Any failure ends the writer: opening it again reads from
 * PostgreSQL where it stands, so nobody has to know whether a commit whose answer was lost had happened.
 */
import type { Batch, Origin } from '#pipeline/batch/batch.ts'
import { InvariantError, OperatorError } from '#pipeline/errors/errors.ts'
import type { Database } from '#pipeline/postgres/database.ts'
import type { SinkWriter } from '#pipeline/stage/sink.ts'
import { Pending } from './pending.ts'
import type { Projection } from './projection.ts'
import { type SinkPosition, store, type Target } from './store.ts'

export interface PostgresLimits {
  /** Rows in memory, about; one batch more may be. */
  readonly maxBytes: number
  /** Batches that are not stored: those of known keys take no memory here, but their reader remembers each. */
  readonly maxBatches: number
  /** So many rows are stored at once … */
  readonly flushRows: number
  /** … and fewer when the first of them is this old, */
  readonly flushAgeMs: number
  /** or this, where only positions have changed. */
  readonly idleFlushAgeMs: number
}

export const POSTGRES_LIMITS: PostgresLimits = {
  maxBytes: 64 * 2 ** 20,
  maxBatches: 16_384,
  flushRows: 20_000,
  flushAgeMs: 1000,
  idleFlushAgeMs: 10_000,
}

export interface PostgresWriterOptions {
  readonly database: Database
  readonly projections: readonly Projection[]
  readonly target: Target
  /** Where the target stands. */
  readonly positions: readonly SinkPosition[]
  readonly limits: PostgresLimits
  readonly warn: (message: string) => void
}

export class PostgresWriter implements SinkWriter {
  readonly #options: PostgresWriterOptions
  /** What is stored, by source partition. */
  readonly #stored: Map<number, SinkPosition>
  /** What was taken over, by source partition. */
  readonly #taken: Map<number, number>
  #pending: Pending
  #flushing: Pending | null = null
  /** Of the flush under way; never rejects. */
  #flushed = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #wakers: (() => void)[] = []
  #grown = false
  #failure: Error | null = null
  #closed = false

  constructor(options: PostgresWriterOptions) {
    this.#options = options
    this.#stored = new Map(options.positions.map((position) => [position.partition, position]))
    this.#taken = new Map(options.positions.map(({ partition, reached }) => [partition, reached]))
    this.#pending = new Pending(options.projections)
  }

  /** What waits in memory or is being stored. */
  get held(): { readonly bytes: number; readonly batches: number } {
    const { bytes, batches } = this.#pending
    return { bytes: bytes + (this.#flushing?.bytes ?? 0), batches: batches + (this.#flushing?.batches ?? 0) }
  }

  /**
   * @throws InvariantError where batches are missing before this one
   * @throws OperatorError where PostgreSQL holds positions in another log
   */
  async write(batch: Batch): Promise<void> {
    while (this.#failure === null && this.#isFull()) await this.#changed()
    if (this.#failure !== null) throw this.#failure
    const { partition, offset } = batch.origin
    if (!this.#isNext(batch.origin)) return
    this.#pending.add(batch, this.#taken.get(partition) ?? null)
    this.#taken.set(partition, offset)
    this.#schedule()
  }

  storedUpTo(partition: number): number {
    return this.#stored.get(partition)?.reached ?? -1
  }

  async progress(): Promise<void> {
    while (!this.#grown && this.#failure === null && !this.#closed) await this.#changed()
    this.#grown = false
    if (this.#failure !== null) throw this.#failure
  }

  async flush(): Promise<void> {
    const taken = new Map(this.#taken)
    const isStored = () => [...taken].every(([partition, offset]) => offset <= this.storedUpTo(partition))
    while (this.#failure === null && !isStored()) {
      if (this.#flushing === null) this.#start()
      await this.#flushed
    }
    if (this.#failure !== null) throw this.#failure
  }

  /** Waits for the flush under way: nothing of ours is written after it. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#wake()
    await this.#flushed
  }

  #isFull(): boolean {
    const { maxBytes, maxBatches } = this.#options.limits
    const { bytes, batches } = this.held
    return bytes >= maxBytes || batches >= maxBatches
  }

  /** False for what PostgreSQL has already. */
  #isNext(origin: Origin): boolean {
    const { log, topic, partition, offset, previous } = origin
    const stored = this.#stored.get(partition)
    if (stored !== undefined && (stored.log !== log || stored.topic !== topic)) {
      throw new OperatorError(
        `the projections in PostgreSQL stand in another log (${stored.topic} of ${stored.log}) than this one (${topic} of ${log}): point ` +
          'millrace back to its log, give it another database, or build them anew with: millrace replay start --from beginning',
      )
    }
    const taken = this.#taken.get(partition)
    if (taken === undefined) {
      if (previous >= 0) {
        this.#options.warn(
          `the projections in PostgreSQL begin at origin ${offset} of ${topic}/${partition}: what was before is not in them`,
        )
      }
      return true
    }
    if (offset <= taken) return false
    if (previous === taken) return true
    throw new InvariantError(
      `the projections in PostgreSQL stand at origin ${taken} of ${topic}/${partition}, but the batch of origin ${offset} ` +
        `follows ${previous}: batches are missing in between. Was PostgreSQL restored from a backup?`,
    )
  }

  /** Starts a flush where one is due, or sees to it that it is started in time. */
  #schedule(): void {
    if (this.#flushing !== null || this.#closed || this.#failure !== null || this.#pending.batches === 0) return
    const { flushRows, flushAgeMs, idleFlushAgeMs } = this.#options.limits
    const { rows } = this.#pending
    if (rows >= flushRows || this.#isFull()) {
      this.#start()
      return
    }
    const ageMs = (rows > 0 ? flushAgeMs : idleFlushAgeMs) - (performance.now() - this.#pending.begunMs)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#start(), Math.max(0, ageMs))
  }

  #start(): void {
    if (this.#flushing !== null || this.#closed || this.#failure !== null) return
    clearTimeout(this.#timer)
    const { database, target, projections } = this.#options
    const flushing = this.#pending
    this.#flushing = flushing
    this.#pending = new Pending(projections)
    this.#flushed = store(database, target, flushing)
      .then(() => {
        for (const { to: reached, from: _, ...place } of flushing.advances.values()) {
          this.#stored.set(place.partition, { ...place, reached })
        }
        this.#grown = true
        this.#flushing = null
        this.#schedule()
      })
      .catch((error) => {
        this.#failure = error
        this.#flushing = null
      })
      .finally(() => this.#wake())
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#wakers.push(resolve))
  }

  #wake(): void {
    for (const wake of this.#wakers.splice(0)) wake()
  }
}
