/**
 * The archive of one partition: records are gathered, compressed block by block, and stored as one object when there is
 * enough of them. An object's key is the offset it begins at, which is where the object before it ended, and it is written
 * only where that key is free. So however often it is tried, and by however many, each record is in one object.
 */
import { hash } from 'node:crypto'
import { OperatorError, TransientError } from '#pipeline/errors/errors.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import { encodeBlock, encodeHeader, recordBytes, SYNC_BYTES } from './container.ts'
import { keyOf, type PartitionPlace, prefixOf } from './place.ts'
import type { RawValue } from './raw_topic.ts'
import { metadataOf, readSummary, type Summary, sumOf } from './summary.ts'

export interface PartitionLimits {
  /** An object of this size is stored. */
  readonly objectBytes: number
  /** Or of so many records. */
  readonly objectRecords: number
  /** Records are compressed together up to this size. */
  readonly blockBytes: number
}

/** An object that is being made. */
interface Making {
  readonly first: number
  /** When its first record came, milliseconds since 1970. */
  readonly sinceMs: number
  readonly sync: Buffer
  readonly blocks: Buffer[]
  /** Not yet compressed. */
  open: RawValue[]
  openBytes: number
  /** Compressed. */
  blockBytes: number
  records: number
  last: RawValue
  latest: number
}

export interface PartitionOptions {
  readonly limits: PartitionLimits
  /** Avro schema of the records' values, for the headers of objects. */
  readonly valueSchema: string
  readonly warn: (message: string) => void
}

export class PartitionArchive {
  readonly place: PartitionPlace
  readonly #store: ObjectStore
  readonly #options: PartitionOptions
  /** The last object stored; `null` where there is none. */
  #stored: Summary | null
  #making: Making | null = null
  /** Calls, one after the other: a record may come while an object is stored because of its age. */
  #lane: Promise<unknown> = Promise.resolve()

  /** @throws TransientError where the store failed; OperatorError where the last object is damaged */
  static async open(store: ObjectStore, place: PartitionPlace, options: PartitionOptions): Promise<PartitionArchive> {
    const last = (await store.list(prefixOf(place))).at(-1)
    const stored = last === undefined ? null : await readSummary(store, last.key)
    if (last !== undefined && stored === null) throw new TransientError(`${last.key} is gone`)
    return new PartitionArchive(store, place, options, stored)
  }

  private constructor(store: ObjectStore, place: PartitionPlace, options: PartitionOptions, stored: Summary | null) {
    this.#store = store
    this.place = place
    this.#options = options
    this.#stored = stored
  }

  /** The last offset that is in the store; -1 where none is. */
  get storedUpTo(): number {
    return this.#stored?.last ?? -1
  }

  /** Bytes in memory. */
  get bytes(): number {
    return this.#making === null ? 0 : this.#making.blockBytes + this.#making.openBytes
  }

  /** When the oldest record in memory came, milliseconds since 1970; `null` where there is none. */
  get sinceMs(): number | null {
    return this.#making?.sinceMs ?? null
  }

  /**
   * Takes a record in, in order; stores an object when that is due.
   * @throws TransientError where the store failed, or another process was faster: begin anew from what is stored
   * @throws OperatorError where the archive is another log's
   */
  add(record: RawValue, nowMs: number): Promise<void> {
    return this.#inTurn(() => this.#add(record, nowMs))
  }

  /** Stores what is in memory. @throws as `add` */
  flush(): Promise<void> {
    return this.#inTurn(() => this.#flush())
  }

  async #add(record: RawValue, nowMs: number): Promise<void> {
    const stored = this.#stored
    if (stored !== null && record.offset <= stored.last) {
      if (record.offset === stored.last && sumOf(record) !== stored.lastSum) throw this.#ofAnotherLog(record.offset)
      return
    }
    const before = this.#making?.last.offset ?? stored?.last ?? null
    const follows = before === null || record.origin.previous === before
    if (!follows) {
      await this.#flush()
      // Their place stays empty, so that readers see it.
      const { topic, partition } = this.place
      this.#options.warn(
        `records ${before + 1} to ${record.offset - 1} of ${topic}/${partition} will not be in the archive`,
      )
    }
    this.#making ??= this.#begin(follows && stored !== null ? stored.last + 1 : record.offset, record, nowMs)
    const making = this.#making
    making.open.push(record)
    making.openBytes += recordBytes(record)
    making.records++
    making.last = record
    making.latest = Math.max(making.latest, record.timestamp)
    if (making.openBytes >= this.#options.limits.blockBytes) await this.#seal(making)
    const { objectBytes, objectRecords } = this.#options.limits
    if (this.bytes >= objectBytes || making.records >= objectRecords) await this.#flush()
  }

  #begin(first: number, record: RawValue, nowMs: number): Making {
    const latest = this.#stored?.latest ?? record.timestamp
    // Bytes that records do not have in them by chance; the same ones where the same object is made again.
    const sync = Buffer.from(hash('sha256', keyOf(this.place, first), 'buffer').subarray(0, SYNC_BYTES))
    const none = { blocks: [], open: [], openBytes: 0, blockBytes: 0, records: 0 }
    return { first, sinceMs: nowMs, sync, ...none, last: record, latest }
  }

  async #seal(making: Making): Promise<void> {
    if (making.open.length === 0) return
    const block = await encodeBlock(making.open, making.sync)
    making.blocks.push(block)
    making.blockBytes += block.length
    making.open = []
    making.openBytes = 0
  }

  async #flush(): Promise<void> {
    const making = this.#making
    if (making === null) return
    await this.#seal(making)
    const { first, last, latest, sync } = making
    const summary: Summary = { first, last: last.offset, lastSum: sumOf(last), latest }
    const header = encodeHeader(metadataOf(this.place, summary, this.#options.valueSchema), sync)
    const key = keyOf(this.place, first)
    if (!(await this.#store.putIfAbsent(key, Buffer.concat([header, ...making.blocks])))) {
      await this.#checkOwn(key, summary)
    }
    this.#stored = summary
    this.#making = null
  }

  /** The key is taken: by us, where an answer was lost, or by another. */
  async #checkOwn(key: string, mine: Summary): Promise<void> {
    const theirs = await readSummary(this.#store, key)
    if (theirs !== null && theirs.last === mine.last && theirs.lastSum === mine.lastSum) return
    throw new TransientError(`another process has archived ${key}, up to offset ${theirs?.last}`)
  }

  #ofAnotherLog(offset: number): OperatorError {
    const { log, topic, partition } = this.place
    return new OperatorError(
      `the archive of ${topic}/${partition} of log ${log} has another record at offset ${offset} than the log: the log was ` +
        'restored from before, and has gone on differently. Archive it elsewhere (MILLRACE_ARCHIVE), or bring the right log back',
    )
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#lane.then(work)
    this.#lane = done.catch(() => {})
    return done
  }
}
