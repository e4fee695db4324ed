/** The log as the process that owns it has it: topics, admission of appends, and the clock of retention. */
import { OperatorError, TransientError } from '../../errors/errors.ts'
import { Budget } from '../budget.ts'
import type {
  Bounds,
  GroupListener,
  LogRecord,
  Membership,
  NewRecord,
  Position,
  ReadOptions,
  TopicInfo,
  TopicSpec,
} from '../log.ts'
import type { EmbeddedLog, EmbeddedLogOptions } from './embedded.ts'
import { checkTopic, partitionDirectory, topicsDirectory } from './folder.ts'
import { frameBytes, type Unplaced, unplaced } from './frame.ts'
import { Groups } from './groups.ts'
import type { Lock } from './lock.ts'
import type { MetadataClient } from './metadata_client.ts'
import { Partition, type Surroundings } from './partition.ts'
import { neededFrom, trimOffsets } from './retention.ts'
import { openFile as openRealFile, syncDirectory } from './segment.ts'
import { IndexCache } from './segment_reader.ts'

const MIB = 2 ** 20
const HOUR_MS = 3_600_000
/** Partitions opened at a time when starting: what libuv has threads for, twice. */
const OPENED_TOGETHER = 8

interface OwnedTopic {
  readonly spec: TopicSpec
  readonly partitions: readonly Partition[]
}

export class OwnedLog implements EmbeddedLog {
  readonly id: string
  readonly #directory: string
  readonly #lock: Lock
  readonly #metadata: MetadataClient
  readonly #groups: Groups
  readonly #budget: Budget
  readonly #shared: Surroundings
  readonly #segmentMs: number
  readonly #topics = new Map<string, OwnedTopic>()
  readonly #timer: NodeJS.Timeout
  #retaining: Promise<void> | null = null
  #creating: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(id: string, options: EmbeddedLogOptions, lock: Lock, metadata: MetadataClient) {
    this.id = id
    this.#directory = options.directory
    this.#lock = lock
    this.#metadata = metadata
    this.#groups = new Groups(metadata, (topic, partition) => this.#partition(topic, partition).end)
    this.#budget = new Budget(options.maxQueuedBytes ?? 64 * MIB, options.maxBytes ?? Number.POSITIVE_INFINITY)
    this.#segmentMs = options.segmentMs ?? HOUR_MS
    this.#shared = {
      openFile: options.openFile ?? openRealFile,
      indexes: new IndexCache(options.cachedIndexes ?? 64),
      budget: this.#budget,
      segmentBytes: options.segmentBytes ?? 256 * MIB,
      now: options.now ?? Date.now,
      warn: options.warn ?? ((message) => process.emitWarning(message)),
    }
    this.#timer = setInterval(() => void this.#retain(), options.trimIntervalMs ?? 60_000).unref()
  }

  async openTopics(): Promise<void> {
    const groups = await this.#allPositions()
    for (const spec of await this.#metadata.call('topics')) await this.#openTopic(spec, groups)
  }

  async #openTopic(spec: TopicSpec, groups: readonly (readonly Position[])[]): Promise<void> {
    const partitions: Partition[] = []
    const reached = groups.flat().filter(({ topic }) => topic === spec.name)
    for (let first = 0; first < spec.partitions; first += OPENED_TOGETHER) {
      const numbers = range(first, Math.min(first + OPENED_TOGETHER, spec.partitions))
      const opened = await Promise.all(
        numbers.map((number) => {
          const promised = reached.filter(({ partition }) => partition === number).map(({ offset }) => offset)
          return Partition.open(spec.name, this.#home(spec.name, number), Math.max(0, ...promised), this.#shared)
        }),
      )
      partitions.push(...opened)
    }
    this.#topics.set(spec.name, { spec, partitions })
  }

  #home(topic: string, partition: number) {
    return { log: this.id, partition, directory: partitionDirectory(this.#directory, topic, partition) }
  }

  createTopics(specs: readonly TopicSpec[]): Promise<void> {
    const done = this.#creating.then(() => this.#createTopics(specs))
    this.#creating = done.catch(() => {})
    return done
  }

  async #createTopics(specs: readonly TopicSpec[]): Promise<void> {
    this.#checkOpen()
    for (const spec of specs) {
      checkTopic(spec)
      const present = this.#topics.get(spec.name)?.spec
      if (present !== undefined && present.partitions !== spec.partitions) {
        throw new OperatorError(
          `topic ${spec.name} has ${present.partitions} partitions, not ${spec.partitions}: leave MILLRACE_PARTITIONS out, or ` +
            'stop millrace and run millrace topics grow',
        )
      }
    }
    const missing = specs.filter(({ name }) => !this.#topics.has(name))
    for (const { name, partitions } of missing) {
      for (const number of range(0, partitions)) await Partition.make(this.#home(name, number), this.#shared)
      await syncDirectory(`${topicsDirectory(this.#directory)}/${name}`, this.#shared.openFile)
    }
    await syncDirectory(topicsDirectory(this.#directory), this.#shared.openFile)
    await syncDirectory(this.#directory, this.#shared.openFile)
    await this.#metadata.call('putTopics', specs)
    for (const spec of specs) {
      const present = this.#topics.get(spec.name)
      if (present === undefined) await this.#openTopic(spec, [])
      else this.#topics.set(spec.name, { ...present, spec })
    }
  }

  growTopics(names: readonly string[], partitions: number): Promise<void> {
    const done = this.#creating.then(() => this.#growTopics(names, partitions))
    this.#creating = done.catch(() => {})
    return done
  }

  async #growTopics(names: readonly string[], count: number): Promise<void> {
    this.#checkOpen()
    const grown = names.map((name): TopicSpec => ({ ...this.#topic(name).spec, partitions: count }))
    for (const { name } of grown) {
      const { partitions } = this.#topic(name).spec
      if (partitions > count)
        throw new OperatorError(`topic ${name} has ${partitions} partitions: it cannot have ${count}`)
    }
    for (const { name } of grown) {
      for (const number of range(this.#topic(name).partitions.length, count)) {
        await Partition.make(this.#home(name, number), this.#shared)
      }
      await syncDirectory(`${topicsDirectory(this.#directory)}/${name}`, this.#shared.openFile)
    }
    await this.#metadata.call('putTopics', grown)
    for (const spec of grown) {
      const { partitions } = this.#topic(spec.name)
      const added = await Promise.all(
        range(partitions.length, count).map((number) =>
          Partition.open(spec.name, this.#home(spec.name, number), 0, this.#shared),
        ),
      )
      this.#topics.set(spec.name, { spec, partitions: [...partitions, ...added] })
    }
  }

  async topics(): Promise<readonly TopicInfo[]> {
    return [...this.#topics.values()].map(({ spec, partitions }) => ({
      ...spec,
      sizeBytes: sizeOf(partitions),
      bounds: partitions.map(({ bounds }) => bounds),
    }))
  }

  async bounds(topic: string, partition: number): Promise<Bounds> {
    return this.#partition(topic, partition).bounds
  }

  async append(records: readonly NewRecord[]): Promise<readonly number[]> {
    this.#checkOpen()
    const places: { partition: Partition; nth: number }[] = []
    const parts = new Map<Partition, { records: Unplaced[]; sizeBytes: number }>()
    let sizeBytes = 0
    for (const record of records) {
      this.#partition(record.topic, record.partition)
      if (!Number.isSafeInteger(record.timestamp))
        throw new RangeError(`timestamp ${record.timestamp} is no whole number`)
      sizeBytes += frameBytes(record)
    }
    if (this.#budget.full(sizeBytes)) void this.#retain()
    this.#budget.reserve(sizeBytes)
    for (const record of records) {
      const partition = this.#partition(record.topic, record.partition)
      let part = parts.get(partition)
      if (part === undefined) parts.set(partition, (part = { records: [], sizeBytes: 0 }))
      places.push({ partition, nth: part.records.length })
      const frame = unplaced(record)
      part.records.push(frame)
      part.sizeBytes += frame.sizeBytes
    }
    const appends = [...parts].map(async ([partition, part]) => {
      return [partition, await partition.append(part.records, part.sizeBytes)] as const
    })
    const settled = await Promise.allSettled(appends)
    this.#budget.release(sizeBytes)
    const failed = settled.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    const firsts = new Map(
      settled.map((result) => (result as PromiseFulfilledResult<readonly [Partition, number]>).value),
    )
    return places.map(({ partition, nth }) => firsts.get(partition)! + nth)
  }

  async read(topic: string, partition: number, offset: number, options: ReadOptions): Promise<readonly LogRecord[]> {
    return this.#partition(topic, partition).read(offset, options)
  }

  async waitFor(topic: string, partition: number, offset: number, signal: AbortSignal): Promise<void> {
    return this.#partition(topic, partition).waitFor(offset, signal)
  }

  async offsetAt(topic: string, partition: number, timestamp: number): Promise<number> {
    return this.#partition(topic, partition).offsetAt(timestamp)
  }

  async join(group: string, topics: readonly string[], listener: GroupListener): Promise<Membership> {
    this.#checkOpen()
    const specs = topics.map((topic) => this.#topic(topic).spec)
    return this.#groups.join(group, specs, listener)
  }

  positions(group: string): Promise<readonly Position[]> {
    return this.#metadata.call('positions', group)
  }

  groups(): Promise<readonly string[]> {
    return this.#metadata.call('groups')
  }

  deleteGroup(group: string): Promise<void> {
    return this.#metadata.call('deleteGroup', group)
  }

  async trim(topic: string, partition: number, offset: number): Promise<void> {
    const found = this.#partition(topic, partition)
    await found.trim(Math.min(offset, neededFrom(topic, partition, await this.#allPositions())))
  }

  register(subject: string, schema: string): Promise<number> {
    return this.#metadata.call('register', subject, schema)
  }

  async schema(id: number): Promise<string> {
    const schema = await this.#metadata.call('schema', id)
    if (schema === null) throw new RangeError(`there is no schema ${id}`)
    return schema
  }

  health(): readonly string[] {
    const parts = [this.#metadata, ...[...this.#topics.values()].flatMap(({ partitions }) => partitions)]
    return parts.flatMap(({ broken }) => broken ?? [])
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#timer)
    await this.#creating
    await this.#retaining
    await Promise.all([...this.#topics.values()].flatMap(({ partitions }) => partitions).map((each) => each.close()))
    await this.#metadata.close()
    this.#lock.release()
  }

  /** Seals what is old and trims what is past its retention; one run at a time. */
  #retain(): Promise<void> {
    this.#retaining ??= this.#retainOnce()
      .catch((cause) => this.#shared.warn(`retention failed and is tried again: ${(cause as Error).message}`))
      .finally(() => {
        this.#retaining = null
      })
    return this.#retaining
  }

  async #retainOnce(): Promise<void> {
    const now = this.#shared.now()
    const groups = await this.#allPositions()
    for (const { spec, partitions } of this.#topics.values()) {
      for (const partition of partitions) await partition.rollOlderThan(now - this.#segmentMs)
      const sealed = (await Promise.all(partitions.map((partition) => partition.sealed()))).flat()
      const needed = (partition: number) => neededFrom(spec.name, partition, groups)
      for (const [number, offset] of trimOffsets(spec, sealed, sizeOf(partitions), needed, now)) {
        await partitions[number].trim(offset)
      }
    }
  }

  async #allPositions(): Promise<readonly (readonly Position[])[]> {
    return Promise.all((await this.#metadata.call('groups')).map((group) => this.#metadata.call('positions', group)))
  }

  #topic(name: string): OwnedTopic {
    const topic = this.#topics.get(name)
    if (topic === undefined) throw new RangeError(`there is no topic ${name}`)
    return topic
  }

  #partition(name: string, number: number): Partition {
    const { partitions } = this.#topic(name)
    const partition = partitions[number]
    if (partition === undefined)
      throw new RangeError(`topic ${name} has no partition ${number}, it has ${partitions.length}`)
    return partition
  }

  #checkOpen(): void {
    if (this.#closed) throw new TransientError('the log is closed')
  }
}

function sizeOf(partitions: readonly Partition[]): number {
  return partitions.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}
