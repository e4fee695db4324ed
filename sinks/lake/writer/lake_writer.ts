/**
 * Takes batches of all projects in, within a bound of memory, and flushes each project's table when it is large or old
 * enough. It runs in a thread of its own (`writer_thread.ts`) but knows nothing of threads.
 */
import { type Batch, isTick, type Origin } from '#pipeline/batch/batch.ts'
import { TransientError } from '#pipeline/errors/errors.ts'
import { tableOf } from '#schemas/tables/tables.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import { tableKey } from '../paths.ts'
import { appIdOf, batchBytes, TableWriter } from './table_writer.ts'

export interface LakeLimits {
  /** Bytes of batches in memory, all projects together. `add` waits at it. */
  readonly maxBytes: number
  /** A table with this much is flushed at once. */
  readonly flushBytes: number
  /** A table is flushed when its oldest events are this old … */
  readonly flushAgeMs: number
  /** … or this old while no more than `fewTables` tables have any. */
  readonly fewFlushAgeMs: number
  readonly fewTables: number
  /** Flushes at a time: they wait for the store most of the time, and each holds its files in memory. */
  readonly concurrentFlushes: number
  /** Tables whose head is remembered though they have nothing to store. */
  readonly idleTables: number
}

export const LAKE_LIMITS: LakeLimits = {
  maxBytes: 256 * 2 ** 20,
  flushBytes: 32 * 2 ** 20,
  flushAgeMs: 300_000,
  fewFlushAgeMs: 10_000,
  fewTables: 100,
  concurrentFlushes: 4,
  idleTables: 10_000,
}

/** How far a raw partition has come: every event of origins up to `reached` is in Delta, in every table. */
export interface Reached {
  readonly log: string
  readonly topic: string
  readonly partition: number
  readonly reached: number
}

export interface LakeWriterOptions {
  readonly store: ObjectStore
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly limits?: Partial<LakeLimits>
  /** After each commit: the table and its version. */
  readonly committed?: (table: TableWriter, version: number) => void
  /** A flush that nobody waits for failed; it is tried again. */
  readonly failed?: (table: TableWriter, error: unknown) => void
}

const RETRY_MS = 1000

export class LakeWriter {
  readonly #options: LakeWriterOptions
  readonly #limits: LakeLimits
  readonly #tables = new Map<string, TableWriter>()
  readonly #flushing = new Map<TableWriter, Promise<number>>()
  readonly #retryAtMs = new Map<TableWriter, number>()
  /** Tables whose last flush failed. */
  readonly #failures = new Map<TableWriter, string>()
  /** The last origin that came of each partition. */
  readonly #seen = new Map<string, Origin>()
  #lane = Promise.resolve()
  /** Flushes whose turn has not come. */
  readonly #queue: (() => void)[] = []
  #running = 0
  #bytes = 0
  #broken: unknown = null

  constructor(options: LakeWriterOptions) {
    this.#options = options
    this.#limits = { ...LAKE_LIMITS, ...options.limits }
  }

  /** Bytes in memory, not yet committed. */
  get bytes(): number {
    return this.#bytes
  }

  /** Why a table is not being stored: its last flush failed and is tried again. `null` where all of them work. */
  get failing(): string | null {
    const [first] = this.#failures
    return first === undefined ? null : `${first[0].key}: ${first[1]}`
  }

  /**
   * Takes a batch in; waits while memory is full. Calls are served in order.
   * @throws TransientError where memory is full and cannot be flushed; the batch was not taken
   * @throws InvariantError, OperatorError once a table cannot be written at all
   */
  add(batch: Batch): Promise<void> {
    const added = this.#lane.then(() => this.#add(batch))
    this.#lane = added.catch(() => {})
    return added
  }

  async #add(batch: Batch): Promise<void> {
    if (this.#broken !== null) throw this.#broken
    if (!isTick(batch) && batch.eventCount > 0) {
      const table = this.#tableOf(batch)
      await this.#makeRoom(batchBytes(batch))
      const before = table.bytes
      table.add(batch)
      this.#bytes += table.bytes - before
      if (table.bytes >= this.#limits.flushBytes) this.#flushInBackground(table)
    }
    const appId = appIdOf(batch.origin)
    if (batch.origin.offset > (this.#seen.get(appId)?.offset ?? -1)) this.#seen.set(appId, batch.origin)
  }

  /** Flushes what is old enough. To be called about once a second. */
  tick(): void {
    const nowMs = this.#options.now()
    const open = [...this.#tables.values()].filter((table) => table.oldestMs !== null)
    const { fewTables, fewFlushAgeMs, flushAgeMs } = this.#limits
    const ageMs = open.length <= fewTables ? fewFlushAgeMs : flushAgeMs
    for (const table of open) {
      const due = nowMs - table.oldestMs! >= ageMs && nowMs >= (this.#retryAtMs.get(table) ?? 0)
      if (due) this.#flushInBackground(table)
    }
  }

  /** Commits everything that was taken in before the call. @throws TransientError where a store failed; nothing is lost */
  async flush(): Promise<void> {
    await this.#lane
    const results = await Promise.allSettled([...this.#tables.values()].map((table) => this.#drain(table)))
    const failure = results.find((result) => result.status === 'rejected')
    if (failure !== undefined) throw failure.reason
  }

  /** How far each partition has come: what its consumer may commit. */
  flushed(): readonly Reached[] {
    const reached = new Map(Array.from(this.#seen, ([appId, { offset }]) => [appId, offset]))
    for (const table of this.#tables.values()) {
      for (const [appId, before] of table.unflushed()) {
        reached.set(appId, Math.min(before, reached.get(appId) ?? before))
      }
    }
    return Array.from(this.#seen, ([appId, { log, topic, partition }]) => ({
      log,
      topic,
      partition,
      reached: reached.get(appId)!,
    }))
  }

  #tableOf(batch: Batch): TableWriter {
    const table = tableOf(batch.signal)
    const key = tableKey(batch.projectId, table.name)
    const known = this.#tables.get(key)
    // Set again, so that the map's order is the order of use.
    this.#tables.delete(key)
    const writer = known ?? new TableWriter(key, table, this.#options.store, this.#options.now)
    this.#tables.set(key, writer)
    if (this.#tables.size > this.#limits.idleTables) this.#forgetIdle(writer)
    return writer
  }

  /** What is forgotten is only what the Delta log knows as well. */
  #forgetIdle(used: TableWriter): void {
    for (const [key, table] of this.#tables) {
      if (this.#tables.size <= this.#limits.idleTables) return
      if (table === used || table.oldestMs !== null || this.#flushing.has(table)) continue
      this.#tables.delete(key)
      this.#retryAtMs.delete(table)
    }
  }

  async #makeRoom(size: number): Promise<void> {
    for (;;) {
      const bytes = this.#bytes
      if (bytes === 0 || bytes + size <= this.#limits.maxBytes) return
      const largest = [...this.#tables.values()].reduce((a, b) => (b.bytes > a.bytes ? b : a))
      try {
        await this.#flush(largest)
      } catch (error) {
        if (!(error instanceof TransientError)) throw error
        throw new TransientError(`lake: ${bytes} bytes wait in memory and cannot be stored: ${error.message}`, {
          cause: error,
        })
      }
    }
  }

  #flushInBackground(table: TableWriter): void {
    if (this.#flushing.has(table)) return
    this.#flush(table).catch((error) => {
      this.#retryAtMs.set(table, this.#options.now() + RETRY_MS)
      if (!(error instanceof TransientError)) this.#broken = error
      this.#options.failed?.(table, error)
    })
  }

  async #drain(table: TableWriter): Promise<void> {
    await this.#flushing.get(table)?.catch(() => {})
    // What comes in meanwhile is not waited for, or this might never end.
    let left = table.bytes
    while (left > 0) left -= await this.#flush(table)
  }

  /** One flush of a table; joins the one under way. @returns the bytes let go */
  #flush(table: TableWriter): Promise<number> {
    const running = this.#flushing.get(table)
    if (running !== undefined) return running
    const flush = this.#inTurn(async () => {
      const { version, bytes } = await this.#flushed(table)
      this.#bytes -= bytes
      if (version !== null) this.#options.committed?.(table, version)
      return bytes
    }).finally(() => this.#flushing.delete(table))
    this.#flushing.set(table, flush)
    return flush
  }

  async #flushed(table: TableWriter): ReturnType<TableWriter['flush']> {
    try {
      const done = await table.flush(this.#limits.flushBytes)
      this.#failures.delete(table)
      return done
    } catch (error) {
      this.#failures.set(table, (error as Error).message)
      throw error
    }
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#limits.concurrentFlushes) await new Promise<void>((turn) => this.#queue.push(turn))
    else this.#running++
    try {
      return await work()
    } finally {
      // The turn is handed on, so `#running` falls only when nobody waits.
      const next = this.#queue.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}
