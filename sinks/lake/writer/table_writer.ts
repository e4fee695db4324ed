/**
 * What one project's table still has to store, and how it is stored: batches → Parquet files → one commit that says how
 * far each raw partition has come. A flush that fails keeps everything and goes on where it stopped.
 */
import { randomUUID } from 'node:crypto'
import type { Batch, Origin } from '#pipeline/batch/batch.ts'
import { byteSize } from '#pipeline/batch/column.ts'
import { storedColumns } from '#schemas/tables/stored.ts'
import type { Table } from '#schemas/tables/tables.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import type { Add } from '../delta/actions.ts'
import { type CommitRequest, commit, type OriginRange, type TableHead } from '../delta/commit.ts'
import { loadSnapshot } from '../delta/snapshot.ts'
import { statsOf } from '../delta/stats.ts'
import { headOf } from '../delta/table_head.ts'
import { dateOf, newFilePath } from '../paths.ts'
import { eventsFiles } from './events_file.ts'
import { MAX_FILE_ROWS } from './row_order.ts'

/** Batches being flushed, and the commit they became, if they got that far. */
interface Flush {
  batches: readonly Batch[]
  request: CommitRequest | null
}

/** A head this old is read anew: the log's oldest commits may have been cleaned away after it. */
const MAX_HEAD_AGE_MS = 3_600_000

export class TableWriter {
  readonly key: string
  readonly table: Table
  readonly #store: ObjectStore
  readonly #now: () => number
  #waiting: Batch[] = []
  #flush: Flush | null = null
  #head: TableHead | null = null
  #headReadMs = 0
  readonly #accepted = new Map<string, number>()
  /** Size in memory of everything not yet committed. */
  bytes = 0
  /** When the oldest of it came, in milliseconds since 1970; `null` where there is nothing. */
  oldestMs: number | null = null

  constructor(key: string, table: Table, store: ObjectStore, now: () => number) {
    this.key = key
    this.table = table
    this.#store = store
    this.#now = now
  }

  /** Takes a batch in, unless it came before. */
  add(batch: Batch): void {
    const appId = appIdOf(batch.origin)
    if (batch.origin.offset <= (this.#accepted.get(appId) ?? -1)) return
    this.#accepted.set(appId, batch.origin.offset)
    this.#waiting.push(batch)
    this.bytes += batchBytes(batch)
    this.oldestMs ??= this.#now()
  }

  /** For each appId with events not yet committed: the origin before the first of them. */
  unflushed(): ReadonlyMap<string, number> {
    const before = new Map<string, number>()
    for (const { origin } of [...(this.#flush?.batches ?? []), ...this.#waiting]) {
      const appId = appIdOf(origin)
      if (!before.has(appId)) before.set(appId, origin.previous)
    }
    return before
  }

  /**
   * Commits what has come, up to about `maxBytes` of it.
   * @returns the version committed, `null` where the table had it all already; and the bytes of memory let go
   * @throws TransientError where the store failed; nothing is lost, call again
   */
  async flush(maxBytes: number): Promise<{ readonly version: number | null; readonly bytes: number }> {
    this.#flush ??= { batches: this.#take(maxBytes), request: null }
    const flush = this.#flush
    const bytes = sizeOf(flush.batches)
    const version = await this.#commit(flush)
    this.#flush = null
    this.bytes -= bytes
    this.oldestMs = this.#waiting.length === 0 ? null : this.#now()
    return { version, bytes }
  }

  async #commit(flush: Flush): Promise<number | null> {
    let batches = flush.batches
    for (;;) {
      const head = await this.#currentHead()
      if (flush.request === null) {
        // What the table has already, another process wrote, or we did before we lost the answer.
        batches = batches.filter(({ origin }) => origin.offset > (head.txns.get(appIdOf(origin)) ?? -1))
        if (batches.length === 0) return null
        flush.request = await this.#upload(batches)
      }
      const outcome = await commit(this.#store, this.key, this.table, head, flush.request, this.#now())
      if (outcome.kind === 'committed') return outcome.version
      flush.request = null
    }
  }

  async #upload(batches: readonly Batch[]): Promise<CommitRequest> {
    const add: Add[] = []
    for (const file of eventsFiles(this.table, batches.map(storedColumns))) {
      const date = dateOf(file.day)
      const path = newFilePath(date)
      await this.#store.put(`${this.key}/${path}`, file.bytes)
      add.push({
        path,
        partitionValues: { date },
        size: file.bytes.length,
        modificationTime: this.#now(),
        dataChange: true,
        stats: JSON.stringify(statsOf(file.statistics)),
      })
    }
    return { id: randomUUID(), operation: 'WRITE', add, remove: [], origins: originsOf(batches) }
  }

  #take(maxBytes: number): Batch[] {
    let size = 0
    let rows = 0
    let count = 0
    for (const batch of this.#waiting) {
      rows += batch.eventCount
      if (count > 0 && (size >= maxBytes || rows > MAX_FILE_ROWS)) break
      size += batchBytes(batch)
      count++
    }
    return this.#waiting.splice(0, count)
  }

  async #currentHead(): Promise<TableHead> {
    const nowMs = this.#now()
    if (this.#head === null || nowMs - this.#headReadMs > MAX_HEAD_AGE_MS) {
      this.#head = headOf(await loadSnapshot(this.#store, this.key))
      this.#headReadMs = nowMs
    }
    return this.#head
  }
}

/** How a Delta table names a raw partition. */
export function appIdOf({ log, topic, partition }: Origin): string {
  return `${log}/${topic}/${partition}`
}

function originsOf(batches: readonly Batch[]): Map<string, OriginRange> {
  const origins = new Map<string, OriginRange>()
  for (const { origin } of batches) {
    const appId = appIdOf(origin)
    origins.set(appId, { first: origins.get(appId)?.first ?? origin.offset, last: origin.offset })
  }
  return origins
}

function sizeOf(batches: readonly Batch[]): number {
  return batches.reduce((sum, batch) => sum + batchBytes(batch), 0)
}

/** What a batch takes in memory. */
export function batchBytes(batch: Batch): number {
  let size = 0
  for (const column of batch.columns.values()) size += byteSize(column)
  return size
}
