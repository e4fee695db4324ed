/** A partition as its owner has it: one group commit at a time, sealed segments before the one being written. */
import type { FileHandle } from 'node:fs/promises'
import { mkdir, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { OperatorError, TransientError } from '../../errors/errors.ts'
import type { Budget } from '../budget.ts'
import type { Bounds, LogRecord, ReadOptions } from '../log.ts'
import { Waiters } from '../waiters.ts'
import { durableEndPath, encodeDurableEnd, readDurableEnd } from './durable_end.ts'
import type { Unplaced } from './frame.ts'
import { findOffsetAt, type PartitionView, readFrom } from './partition_view.ts'
import { recoverTail } from './recovery.ts'
import type { SealedSegment } from './retention.ts'
import { findSegment, type Home, listBases, makeSegment, type OpenFile, type Segment, writeDurably } from './segment.ts'
import { findTimestamp, type IndexCache, indexPath, storeIndex } from './segment_reader.ts'
import { SegmentWriter, writeFailure } from './segment_writer.ts'
import { SparseIndex } from './sparse_index.ts'

/** More than this goes into the next group commit. */
const GROUP_LIMIT_BYTES = 16 * 1024 * 1024
/** The index file of the segment being written is renewed when it lags by this: what a start has to walk over. */
const INDEX_LAG_LIMIT_BYTES = 8 * 1024 * 1024

/** What partitions of one log share. */
export interface Surroundings {
  readonly openFile: OpenFile
  readonly indexes: IndexCache
  readonly budget: Budget
  readonly segmentBytes: number
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly warn: (message: string) => void
}

interface Waiting {
  readonly records: readonly Unplaced[]
  readonly sizeBytes: number
  readonly resolve: (first: number) => void
  readonly reject: (error: Error) => void
}

export class Partition implements PartitionView {
  readonly topic: string
  readonly partition: number
  readonly #home: Home
  readonly #shared: Surroundings
  readonly #segments: Segment[]
  /** Of the last segment; covers exactly what is durable. */
  #index: SparseIndex
  /** `null` until the first append. */
  #writer: SegmentWriter | null = null
  #durableEnd: FileHandle | null = null
  /** Set when a roll has begun: nothing may be appended until it has succeeded. */
  #rolling = false
  #storedIndexPosition: number
  #waiting: Waiting[] = []
  /** Whether a group commit has been asked for that has not yet taken its group. */
  #scheduled = false
  #turn: Promise<unknown> = Promise.resolve()
  readonly #waiters = new Waiters()
  /** Of sealed segments, by base. */
  readonly #maxTimestamps = new Map<number, number>()

  private constructor(topic: string, home: Home, segments: Segment[], index: SparseIndex, shared: Surroundings) {
    this.topic = topic
    this.partition = home.partition
    this.#home = home
    this.#shared = shared
    this.#segments = segments
    this.#index = index
    this.#storedIndexPosition = index.covered.position
    shared.budget.store(this.sizeBytes)
  }

  /** Makes the files of a new partition, durably. Harmless where they exist. */
  static async make(home: Home, shared: Pick<Surroundings, 'openFile' | 'now'>): Promise<void> {
    await mkdir(home.directory, { recursive: true })
    if ((await listBases(home.directory)).length > 0) return
    await writeDurably(durableEndPath(home.directory), encodeDurableEnd(0, home.partition), shared.openFile)
    await makeSegment(home, 0, shared.now(), shared.openFile)
  }

  /**
   * @param promised offset up to which groups have read, so records before it were acknowledged
   * @throws OperatorError where files are missing or damaged
   */
  static async open(topic: string, home: Home, promised: number, shared: Surroundings): Promise<Partition> {
    const names = await readdir(home.directory).catch((cause) => {
      throw new OperatorError(`${home.directory} is missing: restore it, or start with an empty data folder`, { cause })
    })
    const bases = await listBases(home.directory)
    if (bases.length === 0) {
      throw new OperatorError(`${home.directory} has no segments: restore them, or start with an empty data folder`)
    }
    const known = new Set<string>()
    const segments: Segment[] = []
    for (const base of bases) {
      const segment = await findSegment(home, base)
      segments.push(segment)
      known.add(indexPath(segment))
    }
    for (const name of names) {
      const leftover = name.endsWith('.new') || (name.endsWith('.index') && !known.has(join(home.directory, name)))
      if (leftover) await unlink(join(home.directory, name))
    }
    const written = readDurableEnd(home.directory, home.partition)
    const index = await recoverTail(segments.at(-1)!, Math.max(promised, written ?? 0), shared.openFile, shared.warn)
    const partition = new Partition(topic, home, segments, index, shared)
    if (written === null) {
      const bytes = encodeDurableEnd(partition.end, home.partition)
      await writeDurably(durableEndPath(home.directory), bytes, shared.openFile)
    } else if (written !== partition.end) await partition.#publish()
    return partition
  }

  get segments(): readonly Segment[] {
    return this.#segments
  }

  get end(): number {
    return this.#index.covered.offset
  }

  get bounds(): Bounds {
    return { partition: this.partition, begin: this.#segments[0].base, end: this.end }
  }

  get sizeBytes(): number {
    let size = this.#index.covered.position
    for (const segment of this.#segments.slice(0, -1)) size += segment.sizeBytes
    return size
  }

  /** Why it takes no more appends until it is opened again; `null` as long as it does. */
  get broken(): string | null {
    return this.#writer?.broken ?? null
  }

  async index(segment: Segment): Promise<SparseIndex> {
    return segment.base === this.#segments.at(-1)!.base ? this.#index : this.#shared.indexes.get(segment)
  }

  async trimmed(segment: Segment): Promise<boolean> {
    return segment.base < this.#segments[0].base
  }

  read(offset: number, options: ReadOptions): Promise<LogRecord[]> {
    return readFrom(this, offset, options)
  }

  offsetAt(timestamp: number): Promise<number> {
    return findOffsetAt(this, timestamp)
  }

  waitFor(offset: number, signal: AbortSignal): Promise<void> {
    return this.end > offset ? Promise.resolve() : this.#waiters.wait(offset, signal)
  }

  /** The offset of the first record. Those that arrive while a commit runs share the next one. */
  append(records: readonly Unplaced[], sizeBytes: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ records, sizeBytes, resolve, reject })
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0) return
    this.#scheduled = true
    void this.#inTurn(() => this.#commitGroup())
  }

  async #commitGroup(): Promise<void> {
    this.#scheduled = false
    const group = this.#takeGroup()
    this.#schedule()
    let first = this.end
    try {
      await this.#write(group.flatMap(({ records }) => records))
    } catch (cause) {
      const error = writeFailure(this.#home.directory, cause)
      // Those behind a failed append fail too, so one who sends on without waiting never sees a gap filled later.
      for (const { reject } of [...group, ...this.#waiting.splice(0)]) reject(error)
      return
    }
    for (const { records, resolve } of group) {
      resolve(first)
      first += records.length
    }
    this.#waiters.reached(this.end)
  }

  #takeGroup(): Waiting[] {
    let count = 0
    let bytes = 0
    while (
      count < this.#waiting.length &&
      (count === 0 || bytes + this.#waiting[count].sizeBytes <= GROUP_LIMIT_BYTES)
    ) {
      bytes += this.#waiting[count++].sizeBytes
    }
    return this.#waiting.splice(0, count)
  }

  async #write(records: readonly Unplaced[]): Promise<void> {
    if (records.length === 0) return
    if (this.#rolling || this.#index.covered.position >= this.#shared.segmentBytes) await this.#roll()
    this.#writer ??= await SegmentWriter.open(this.#segments.at(-1)!, this.#index, this.#shared.openFile)
    const before = this.#index.covered.position
    await this.#writer.write(records)
    this.#shared.budget.store(this.#index.covered.position - before)
    await this.#publish()
    const lag = this.#index.covered.position - this.#storedIndexPosition
    if (lag >= INDEX_LAG_LIMIT_BYTES) await this.#storeIndex().catch(() => {})
  }

  /** Tells other processes, and the next start, how far records are durable. */
  async #publish(): Promise<void> {
    this.#durableEnd ??= await this.#shared.openFile(durableEndPath(this.#home.directory), 'r+')
    await this.#durableEnd.write(encodeDurableEnd(this.end, this.partition), 0, null, 0)
  }

  /** Ends the segment being written and starts the next one. */
  async #roll(): Promise<void> {
    this.#rolling = true
    const sealed = { ...this.#segments.at(-1)!, sizeBytes: this.#index.covered.position }
    const next = await makeSegment(this.#home, this.end, this.#shared.now(), this.#shared.openFile)
    this.#rolling = false
    const index = this.#index
    const writer = this.#writer
    this.#segments.splice(-1, 1, sealed, next)
    this.#shared.indexes.set(sealed, index)
    this.#shared.budget.store(next.sizeBytes)
    this.#index = new SparseIndex(next.base)
    this.#storedIndexPosition = this.#index.covered.position
    this.#writer = null
    await writer?.close()
    // Only a shortcut: without the file the index is made again by walking over the segment.
    await storeIndex(sealed, index).catch(() => {})
  }

  /**
   * Starts a new segment where the present one was made before `madeBefore` and has records, so that they can age out.
   * @throws TransientError where it could not be written
   */
  async rollOlderThan(madeBefore: number): Promise<void> {
    await this.#inTurn(async () => {
      const last = this.#segments.at(-1)!
      // What a broken file holds nobody knows: nothing may follow on it before recovery has looked.
      if (last.madeAt < madeBefore && this.end > last.base && this.broken === null) await this.#roll()
    }).catch((cause) => {
      throw writeFailure(this.#home.directory, cause)
    })
  }

  async #storeIndex(): Promise<void> {
    const { position } = this.#index.covered
    await storeIndex(this.#segments.at(-1)!, this.#index)
    this.#storedIndexPosition = position
  }

  /** The segments that could be trimmed, oldest first. */
  async sealed(): Promise<SealedSegment[]> {
    const { partition } = this
    return Promise.all(
      this.#segments.slice(0, -1).map(async (segment, number) => {
        const { sizeBytes, madeAt } = segment
        const end = this.#segments[number + 1].base
        return { partition, end, sizeBytes, madeAt, maxTimestamp: await this.#maxTimestamp(segment, end) }
      }),
    )
  }

  async #maxTimestamp(segment: Segment, end: number): Promise<number> {
    let known = this.#maxTimestamps.get(segment.base)
    if (known === undefined) {
      const index = await this.#shared.indexes.get(segment)
      // Looking for a time that never comes walks over what the index does not cover.
      await findTimestamp(segment, index, end, Number.POSITIVE_INFINITY)
      known = index.maxTimestamp
      this.#maxTimestamps.set(segment.base, known)
    }
    return known
  }

  /** Unlinks the sealed segments that lie wholly before `offset`, oldest first so that a crash leaves no gap. */
  async trim(offset: number): Promise<void> {
    while (this.#segments.length > 1 && this.#segments[1].base <= offset) {
      const [segment] = this.#segments.splice(0, 1)
      this.#shared.indexes.delete(segment)
      this.#maxTimestamps.delete(segment.base)
      this.#shared.budget.store(-segment.sizeBytes)
      await unlink(segment.path)
      await unlink(indexPath(segment)).catch(() => {})
    }
  }

  /** Waits for the commits under way. */
  async close(): Promise<void> {
    await this.#inTurn(async () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new TransientError('the log is closed'))
      this.#waiters.fail(new TransientError('the log is closed'))
      if (this.#index.covered.position > this.#storedIndexPosition) await this.#storeIndex().catch(() => {})
      await this.#writer?.close()
      await this.#durableEnd?.datasync().catch(() => {})
      await this.#durableEnd?.close()
    })
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return done
  }
}
