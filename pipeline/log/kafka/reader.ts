/** Reads partitions: one fetch at an offset, and what it gave beyond what was asked for is kept for the next. */
import { TransientError } from '../../errors/errors.ts'
import type { Bounds, LogRecord, ReadOptions } from '../log.ts'
import type { Cluster, TopicPartition } from './cluster.ts'
import { asLogError } from './failures.ts'
import { checkErrorCode } from './kafkajs.ts'
import { keyOf } from './partitions.ts'
import { decodeBatches, type PlacedRecord } from './record_batch.ts'
import { fetchRequest } from './requests.ts'

const OFFSET_OUT_OF_RANGE = 1
/** What zstd makes of our records, at least: so a fetch unpacks to about the page that was asked for. */
const COMPRESSION = 4

export interface ReaderOptions {
  /** Bound on records fetched and not yet asked for, of all partitions. */
  readonly maxKeptBytes: number
  readonly bounds: (place: TopicPartition) => Promise<Bounds>
  /** Told of every record, and of where the partition ends. */
  readonly fetched: (place: TopicPartition, records: readonly PlacedRecord[], end: number) => void
}

interface Kept {
  readonly records: readonly PlacedRecord[]
  readonly sizeBytes: number
}

export class Reader {
  readonly #cluster: Cluster
  readonly #options: ReaderOptions
  /** By partition and the offset it is kept for, since several may read a partition; the oldest first. */
  readonly #kept = new Map<string, Kept>()
  #keptBytes = 0

  constructor(cluster: Cluster, options: ReaderOptions) {
    this.#cluster = cluster
    this.#options = options
  }

  get keptBytes(): number {
    return this.#keptBytes
  }

  /** As `EventLog.read`. */
  async read(place: TopicPartition, offset: number, options: ReadOptions): Promise<readonly LogRecord[]> {
    const records = this.#take(keptKey(place, offset)) ?? (await this.#fetch(place, offset, options.maxBytes))
    const page = pageOf(records, options)
    this.#keep(place, records.slice(page.length))
    return page.map((record) => ({ topic: place.topic, partition: place.partition, ...record }))
  }

  forget(place: TopicPartition): void {
    for (const key of this.#kept.keys()) if (key.startsWith(`${keyOf(place)}@`)) this.#take(key)
  }

  async #fetch(place: TopicPartition, offset: number, maxBytes: number): Promise<readonly PlacedRecord[]> {
    const fetchBytes = Math.max(1, Math.floor(maxBytes / COMPRESSION))
    try {
      for (let from = offset; ; ) {
        const request = fetchRequest({ partitions: [{ ...place, offset: from }], maxBytes: fetchBytes, maxWaitMs: 0 })
        const fetched = await this.#cluster.atLeader(place, 'fetch', async (connection) => {
          const [answer] = await connection.send(request)
          if (answer.errorCode !== OFFSET_OUT_OF_RANGE) checkErrorCode(answer.errorCode)
          return answer
        })
        if (fetched.errorCode === OFFSET_OUT_OF_RANGE) throw await this.#outOfRange(place, from)
        const { records, next } = await decodeBatches(fetched.batches, from, keyOf(place))
        this.#options.fetched(place, records, fetched.end)
        if (records.length > 0 || fetched.batches.length === 0) return records
        // Only marks of transactions, or what compaction left of a batch: go on behind them.
        if (next === null) throw new TransientError(`Kafka: ${keyOf(place)}@${from} came cut off`)
        from = next
      }
    } catch (error) {
      throw asLogError(error, `reading ${keyOf(place)}@${offset}`)
    }
  }

  async #outOfRange(place: TopicPartition, offset: number): Promise<Error> {
    const { begin, end } = await this.#options.bounds(place)
    // An election may take the end back for a moment, and give it again.
    if (offset >= begin && offset <= end) return new TransientError(`Kafka: ${keyOf(place)}@${offset} is not there yet`)
    return new RangeError(`${keyOf(place)} holds offsets ${begin} to ${end}, not ${offset}`)
  }

  #keep(place: TopicPartition, records: readonly PlacedRecord[]): void {
    if (records.length === 0) return
    const key = keptKey(place, records[0].offset)
    this.#take(key)
    const sizeBytes = records.reduce((sum, { value }) => sum + value.length, 0)
    this.#kept.set(key, { records, sizeBytes })
    this.#keptBytes += sizeBytes
    for (const oldest of this.#kept.keys()) {
      if (this.#keptBytes <= this.#options.maxKeptBytes) break
      this.#take(oldest)
    }
  }

  #take(key: string): readonly PlacedRecord[] | null {
    const kept = this.#kept.get(key)
    if (kept === undefined) return null
    this.#kept.delete(key)
    this.#keptBytes -= kept.sizeBytes
    return kept.records
  }
}

const keptKey = (place: TopicPartition, offset: number) => `${keyOf(place)}@${offset}`

function pageOf(records: readonly PlacedRecord[], { maxBytes, maxRecords }: ReadOptions): readonly PlacedRecord[] {
  let sizeBytes = 0
  let count = 0
  for (const { value } of records.slice(0, maxRecords)) {
    sizeBytes += value.length
    if (count > 0 && sizeBytes > maxBytes) break
    count++
  }
  return records.slice(0, count)
}
