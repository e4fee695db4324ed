/**
 * The one lane on which this process appends (invariant). What waits while a request is under way goes in the next one.
 *
 * There is one request at a time (one for each broker), and none is repeated here: after any error everything that waits
 * fails with it, and who appended tries again. So a record never overtakes one before it, and what is acknowledged was
 * acknowledged by a broker for this very request. Producer ids and sequence numbers would make a repeated request harmless,
 * but ours come back as new requests; and where a client's and a broker's sequence disagree after an error, records are
 * acknowledged that were never stored. A record stored twice is known by its origin and skipped.
 */
import { OperatorError, TransientError } from '../../errors/errors.ts'
import { Budget } from '../budget.ts'
import type { NewRecord } from '../log.ts'
import type { Cluster, TopicPartition } from './cluster.ts'
import { asLogError } from './failures.ts'
import { checkErrorCode } from './kafkajs.ts'
import { keyOf } from './partitions.ts'
import { type BatchRecord, encodeBatch, recordBytes } from './record_batch.ts'
import { type ProducedPartition, produceRequest } from './requests.ts'

const MIB = 2 ** 20
/** One batch, and so one decompression for who reads; a larger record has one of its own. */
const MAX_BATCH_BYTES = MIB
const MAX_REQUEST_BYTES = 16 * MIB
const MESSAGE_TOO_LARGE = 10

export interface ProduceLaneOptions {
  /** Appended and not yet acknowledged. Past it appends are refused; a single append may not be larger. */
  readonly maxQueuedBytes: number
  /** 0 for no compression. */
  readonly zstdLevel: number
  readonly requestTimeoutMs: number
  /** Where a partition is known to end; asked before a request is made. */
  readonly knownEnd: (place: TopicPartition) => number | null
  /**
   * Told of what was stored before who appended it is.
   * @param endBefore where the partition was known to end when the request was made
   * @throws OperatorError where it cannot be: the append fails
   */
  readonly stored: (
    place: TopicPartition,
    baseOffset: number,
    records: readonly BatchRecord[],
    endBefore: number | null,
  ) => void
}

interface Append {
  readonly records: readonly NewRecord[]
  readonly offsets: number[]
  /** Records before it are in a request. */
  taken: number
  stored: number
  isChecked: boolean
  readonly settle: (error?: Error) => void
}

interface Entry {
  readonly append: Append
  readonly index: number
}

interface Batch extends TopicPartition {
  readonly entries: Entry[]
  readonly records: BatchRecord[]
  sizeBytes: number
}

export class ProduceLane {
  readonly #cluster: Cluster
  readonly #options: ProduceLaneOptions
  readonly #budget: Budget
  #waiting: Append[] = []
  #running: Promise<void> | null = null
  #failing: string | null = null
  #closed = false

  constructor(cluster: Cluster, options: ProduceLaneOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#budget = new Budget(options.maxQueuedBytes, Number.POSITIVE_INFINITY)
  }

  get queuedBytes(): number {
    return this.#budget.queuedBytes
  }

  /** Why the last request failed and may be tried again; `null` where it did not. */
  get failing(): string | null {
    return this.#failing
  }

  /** As `EventLog.append`. */
  append(records: readonly NewRecord[]): Promise<readonly number[]> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new TransientError('the log is closed')
      if (records.length === 0) return resolve([])
      for (const { timestamp } of records) checkTimestamp(timestamp)
      const sizeBytes = records.reduce((sum, record) => sum + recordBytes(asBatchRecord(record)), 0)
      this.#budget.reserve(sizeBytes)
      const offsets = new Array<number>(records.length)
      const settle = (error?: Error) => {
        this.#budget.release(sizeBytes)
        if (error === undefined) resolve(offsets)
        else reject(error)
      }
      this.#waiting.push({ records, offsets, taken: 0, stored: 0, isChecked: false, settle })
      this.#running ??= this.#run()
    })
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
  }

  async #run(): Promise<void> {
    // What is appended in the same turn goes together.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batches = await this.#take()
      if (batches.length > 0) await this.#produce(batches)
    }
    this.#running = null
  }

  /** As much as fits a request, in the order it came; what names a place that does not exist is refused. */
  async #take(): Promise<readonly Batch[]> {
    const batches = new Map<string, Batch>()
    let sizeBytes = 0
    for (const append of [...this.#waiting]) {
      try {
        if (!append.isChecked) await this.#check(append)
      } catch (error) {
        const failure = asLogError(error, 'appending')
        if (failure instanceof TransientError) {
          // It is not overtaken either.
          this.#failing = failure.message
          this.#failFrom(append, failure)
          break
        }
        this.#waiting = this.#waiting.filter((each) => each !== append)
        append.settle(failure)
        continue
      }
      for (; append.taken < append.records.length; append.taken++) {
        const record = append.records[append.taken]
        const bytes = recordBytes(asBatchRecord(record))
        const batch = batches.get(keyOf(record)) ?? newBatch(record)
        if (batch.sizeBytes > 0 && batch.sizeBytes + bytes > MAX_BATCH_BYTES) return [...batches.values()]
        if (sizeBytes > 0 && sizeBytes + bytes > MAX_REQUEST_BYTES) return [...batches.values()]
        batch.entries.push({ append, index: append.taken })
        batch.records.push(asBatchRecord(record))
        batch.sizeBytes += bytes
        sizeBytes += bytes
        batches.set(keyOf(record), batch)
      }
    }
    return [...batches.values()]
  }

  /** An append and all behind it. */
  #failFrom(append: Append, error: TransientError): void {
    const failed = this.#waiting.splice(this.#waiting.indexOf(append))
    for (const each of failed) each.settle(each === append ? error : failedBefore(error))
  }

  async #check(append: Append): Promise<void> {
    const places = new Map(append.records.map((record) => [keyOf(record), record]))
    for (const { topic, partition } of places.values()) await this.#cluster.leader(topic, partition)
    append.isChecked = true
  }

  async #produce(batches: readonly Batch[]): Promise<void> {
    const failures = new Map<Append, Error>()
    const fail = (batch: Batch, error: Error) => {
      for (const { append } of batch.entries) if (!failures.has(append)) failures.set(append, error)
    }
    const answers = await Promise.all(
      (await this.#byLeader(batches, fail)).map(([leader, own]) => this.#send(leader, own, fail)),
    )
    for (const { batch, baseOffset } of answers.flat()) {
      for (const [i, { append, index }] of batch.entries.entries()) {
        append.offsets[index] = baseOffset + i
        append.stored++
      }
    }
    const done = this.#waiting.filter(({ records, stored }) => stored === records.length)
    const waiting = this.#waiting.filter(({ records, stored }) => stored !== records.length)
    this.#failing = null
    if (failures.size > 0) {
      this.#cluster.drop('produce')
      const [first] = failures.values()
      if (first instanceof TransientError) this.#failing = first.message
      const behind = failedBefore(first)
      for (const append of waiting) append.settle(failures.get(append) ?? behind)
    }
    this.#waiting = failures.size > 0 ? [] : waiting
    for (const append of done) append.settle()
  }

  async #byLeader(
    batches: readonly Batch[],
    fail: (batch: Batch, error: Error) => void,
  ): Promise<readonly (readonly [leader: number, batches: readonly Batch[]])[]> {
    const leaders = new Map<number, Batch[]>()
    for (const batch of batches) {
      try {
        const leader = await this.#cluster.leader(batch.topic, batch.partition)
        leaders.set(leader, [...(leaders.get(leader) ?? []), batch])
      } catch (error) {
        fail(batch, asLogError(error, `appending to ${keyOf(batch)}`))
      }
    }
    return [...leaders]
  }

  async #send(leader: number, batches: readonly Batch[], fail: (batch: Batch, error: Error) => void) {
    const { zstdLevel, requestTimeoutMs, knownEnd } = this.#options
    const endsBefore = batches.map(knownEnd)
    const stored: { readonly batch: Batch; readonly baseOffset: number }[] = []
    try {
      const encoded = await Promise.all(
        batches.map(async ({ topic, partition, records }) => {
          return { topic, partition, batch: await encodeBatch(records, zstdLevel) }
        }),
      )
      const answers = await this.#cluster.at(leader, 'produce', (connection) =>
        connection.send(produceRequest(encoded, requestTimeoutMs)),
      )
      for (const [i, batch] of batches.entries()) {
        const answer = answers.find(({ topic, partition }) => topic === batch.topic && partition === batch.partition)
        try {
          checkAnswer(answer, batch)
          this.#options.stored(batch, answer!.baseOffset, batch.records, endsBefore[i])
          stored.push({ batch, baseOffset: answer!.baseOffset })
        } catch (error) {
          this.#cluster.forget(batch.topic)
          fail(batch, asLogError(error, `appending to ${keyOf(batch)}`))
        }
      }
    } catch (error) {
      for (const batch of batches) {
        this.#cluster.forget(batch.topic)
        fail(batch, asLogError(error, `appending to ${keyOf(batch)}`))
      }
    }
    return stored
  }
}

function checkAnswer(answer: ProducedPartition | undefined, batch: Batch): void {
  if (answer === undefined) throw new TransientError(`Kafka: no answer for ${keyOf(batch)}`)
  if (answer.errorCode === MESSAGE_TOO_LARGE) {
    throw new OperatorError(
      `a record of ${batch.sizeBytes} bytes is over what topic ${batch.topic} takes: raise its max.message.bytes`,
    )
  }
  checkErrorCode(answer.errorCode)
}

const failedBefore = (cause: Error) => new TransientError(`an append before it failed: ${cause.message}`, { cause })

function newBatch({ topic, partition }: TopicPartition): Batch {
  return { topic, partition, entries: [], records: [], sizeBytes: 0 }
}

const asBatchRecord = ({ timestamp, key, value }: NewRecord): BatchRecord => ({ timestamp, key: key ?? null, value })

/** Deltas between timestamps are written doubled, so that half of the safe integers stay exact. */
function checkTimestamp(timestamp: number): void {
  if (!Number.isSafeInteger(timestamp) || timestamp < 0 || timestamp > 2 ** 52) {
    throw new RangeError(`timestamp ${timestamp} is not a time in milliseconds since 1970`)
  }
}
