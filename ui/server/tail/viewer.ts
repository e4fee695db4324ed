/**
 * One who watches: takes the events that pass the filter from where it begins, first from the log until it has come up
 * with the feed, then from the feed. Each once: what comes after the viewer's floor has been before.
 */
import type { Batch } from '#pipeline/batch/batch.ts'
import type { EventLog, Position } from '#pipeline/log/log.ts'
import type { Handover } from '#pipeline/runtime/handover.ts'
import { createSource } from '#pipeline/runtime/source.ts'
import type { BatchTopic } from '#pipeline/stage/topic.ts'
import type { Predicate } from '#schemas/filter/predicate.ts'
import { type Table, tableOf } from '#schemas/tables/tables.ts'
import type { Feed, Subscriber } from './feed.ts'
import { later } from './position.ts'
import type { RowBuffer } from './row_buffer.ts'
import type { RowWriter } from './row_json.ts'

export interface ViewerOptions {
  readonly projectId: string
  readonly table: Table
  readonly passes: Predicate
  readonly writer: RowWriter
  readonly buffer: RowBuffer
  readonly feed: Feed
  readonly log: EventLog
  readonly topic: BatchTopic
  readonly handover: Handover
  /** Called when the buffer has something. */
  readonly arrived: () => void
  readonly failed: (error: Error) => void
}

export class Viewer implements Subscriber {
  readonly projectId: string
  readonly #options: ViewerOptions
  /** Where the viewer's own reading stands; from the feed it takes only what lies after. */
  readonly #floor: Position[] = []
  readonly #joined = new Set<number>()
  #waiting: (() => void)[] = []

  constructor(options: ViewerOptions) {
    this.projectId = options.projectId
    this.#options = options
  }

  /** Everything that passes before these positions is sent or in the buffer, everything after is not. */
  get positions(): readonly Position[] {
    const { positions } = this.#options.feed
    return this.#floor.map((floor, partition) => {
      const live = this.#joined.has(partition) ? positions[partition] : undefined
      return live === undefined ? floor : later(floor, live)
    })
  }

  /**
   * Follows from `start` on; from where the feed stands where that is null. Resolves once live.
   * @throws OperatorError where the log does not hold the positions
   */
  async follow(start: readonly Position[] | null, stop: AbortSignal): Promise<void> {
    const { feed } = this.#options
    await feed.subscribe(this)
    this.#floor.push(...(start ?? feed.positions))
    await Promise.all(this.#floor.map((floor) => this.#catchUp(floor, stop)))
  }

  deliver(batch: Batch, { partition }: Position): void {
    if (!this.#joined.has(partition)) return
    const seen = this.#floor[partition].reached[batch.origin.partition] ?? -1
    if (batch.origin.offset > seen) this.#take(batch)
  }

  failed(error: Error): void {
    this.#options.failed(error)
  }

  /** There is room in the buffer again, or nobody waits for it any more. */
  drained(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async #catchUp(start: Position, stop: AbortSignal): Promise<void> {
    const { feed, log, topic, handover } = this.#options
    const { partition } = start
    const behind = () => this.#floor[partition].offset < feed.positions[partition].offset
    if (behind()) {
      const source = await createSource({ log, topic, partition, position: start, reader: 'the tail', handover })
      while (!stop.aborted && behind()) {
        const delivery = await source.next(stop)
        if (delivery === null) return
        await this.#room(stop)
        if (stop.aborted) return
        if (delivery.value.projectId === this.projectId) this.#take(delivery.value, 'keep')
        this.#floor[partition] = delivery.position
      }
    }
    this.#joined.add(partition)
  }

  #take(batch: Batch, whenFull: 'drop' | 'keep' = 'drop'): void {
    const { table, passes, writer, buffer, arrived } = this.#options
    if (tableOf(batch.signal) !== table || batch.eventCount === 0) return
    const rows = passes(batch)
    if (rows.length === 0) return
    buffer.push(writer.write(batch, rows), whenFull)
    arrived()
  }

  /** What comes from the log can wait: a viewer that catches up loses nothing. */
  async #room(stop: AbortSignal): Promise<void> {
    while (this.#options.buffer.isHalfFull && !stop.aborted) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }
}
