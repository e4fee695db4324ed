/** The log: where the port's calls go. */
import { OperatorError } from '../../errors/errors.ts'
import type {
  Assignment,
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
import type { PartitionsByTopic } from './assignor.ts'
import type { Catalog } from './catalog.ts'
import type { Cluster, TopicPartition } from './cluster.ts'
import { Groups } from './groups.ts'
import type { KafkaLogSettings, OpenKafkaLog } from './kafka.ts'
import { type CommitTopic, Member } from './member.ts'
import { Offsets } from './offsets.ts'
import { keyOf, markOf, Partitions } from './partitions.ts'
import { patiently } from './patience.ts'
import { encodeMetadata, type StoredPosition } from './position.ts'
import { ProduceLane } from './produce_lane.ts'
import { Reader } from './reader.ts'
import type { BatchRecord, PlacedRecord } from './record_batch.ts'
import type { Registry } from './registry.ts'
import { Topics } from './topics.ts'
import { Watch } from './watch.ts'

const CLOSE_MS = 5_000

export class KafkaLog implements OpenKafkaLog {
  readonly #cluster: Cluster
  readonly #registry: Registry
  readonly #settings: KafkaLogSettings
  readonly #partitions = new Partitions()
  readonly #offsets: Offsets
  readonly #topics: Topics
  readonly #lane: ProduceLane
  readonly #reader: Reader
  readonly #watch: Watch
  readonly #groups: Groups
  readonly #members = new Set<Member>()
  readonly #closing = new AbortController()
  #catalog: Catalog | null = null
  #joins = 0

  constructor(cluster: Cluster, registry: Registry, settings: KafkaLogSettings) {
    this.#cluster = cluster
    this.#registry = registry
    this.#settings = settings
    this.#offsets = new Offsets(cluster)
    this.#topics = new Topics(cluster, this.#offsets, settings)
    this.#groups = new Groups(cluster, settings.prefix)
    this.#watch = new Watch(cluster, this.#partitions)
    this.#lane = new ProduceLane(cluster, {
      ...settings,
      knownEnd: (place) => this.#partitions.end(place),
      stored: (place, baseOffset, records, endBefore) => this.#stored(place, baseOffset, records, endBefore),
    })
    this.#reader = new Reader(cluster, {
      maxKeptBytes: settings.maxKeptBytes,
      bounds: (place) => this.#offsets.bounds(place),
      fetched: (place, records, end) => this.#fetched(place, records, end),
    })
  }

  get id(): string {
    return this.#catalog!.id
  }

  /** Before anything but the catalog's own topic is used. */
  open(catalog: Catalog): void {
    this.#catalog = catalog
  }

  /**
   * Partitions that end before what a group has read of them lost their end. Nothing may be appended there: it would be given
   * offsets that are past for those who read.
   */
  async checkEnds(): Promise<void> {
    const stored = [...(await this.#groups.all()).values()].flat().map(({ position }) => position)
    const known = new Set(this.#catalog!.topics)
    const positions = stored.filter(({ topic, log }) => log === this.id && known.has(topic))
    // Several groups read the same partitions, and a request may name each once.
    const places = new Map(positions.map((position) => [keyOf(position), position]))
    const bounds = await this.#offsets.allBounds([...places.values()])
    for (const position of positions) {
      const { end } = bounds.get(keyOf(position))!
      if (end >= position.offset) continue
      const { message } = this.#partitions.break(position, `it ends at ${end}, and was read up to ${position.offset}`)
      this.#settings.warn(message)
    }
  }

  async createTopics(specs: readonly TopicSpec[]): Promise<void> {
    await this.#topics.create(specs, this.#catalog!)
  }

  growTopics(names: readonly string[], partitions: number): Promise<void> {
    return this.#topics.grow(names, partitions, this.#catalog!)
  }

  topics(): Promise<readonly TopicInfo[]> {
    return this.#topics.list(this.#catalog!)
  }

  bounds(topic: string, partition: number): Promise<Bounds> {
    return this.#offsets.bounds({ topic, partition })
  }

  async append(records: readonly NewRecord[]): Promise<readonly number[]> {
    for (const record of records) this.#partitions.check(record)
    return this.#lane.append(records)
  }

  async read(topic: string, partition: number, offset: number, options: ReadOptions): Promise<readonly LogRecord[]> {
    this.#partitions.check({ topic, partition })
    return this.#reader.read({ topic, partition }, offset, options)
  }

  waitFor(topic: string, partition: number, offset: number, signal: AbortSignal): Promise<void> {
    return this.#watch.waitFor({ topic, partition }, offset, signal)
  }

  async offsetAt(topic: string, partition: number, timestamp: number): Promise<number> {
    const found = await this.#offsets.at({ topic, partition }, timestamp)
    return found ?? (await this.#offsets.bounds({ topic, partition })).end
  }

  async join(group: string, topics: readonly string[], listener: GroupListener): Promise<Membership> {
    for (const topic of topics) await this.#cluster.topic(topic)
    const member = new Member(String(this.#joins++), {
      ...this.#settings,
      cluster: this.#cluster,
      group: this.#groups.nameOf(group),
      name: group,
      topics,
      listener,
      positionsOf: (partitions) => this.#assignments(group, partitions),
      prepare: (positions, generation) => this.#prepare(positions, generation),
      lastGeneration: async () =>
        Math.max(0, ...(await this.#groups.positions(group)).map(({ generation }) => generation)),
      left: () => this.#members.delete(member),
    })
    this.#members.add(member)
    try {
      return await member.joined
    } catch (error) {
      await member.leave()
      throw error
    }
  }

  async positions(group: string): Promise<readonly Position[]> {
    return (await this.#groups.positions(group)).map(({ position }) => position)
  }

  async groups(): Promise<readonly string[]> {
    return [...(await this.#groups.all()).keys()]
  }

  deleteGroup(group: string): Promise<void> {
    return this.#groups.delete(group)
  }

  async trim(topic: string, partition: number, offset: number): Promise<void> {
    const place = { topic, partition }
    const needed = [...(await this.#groups.all()).values()]
      .flat()
      .filter(({ position }) => keyOf(position) === keyOf(place))
    const { begin, end } = await this.#offsets.bounds(place)
    const until = Math.min(offset, end, ...needed.map(({ position }) => position.offset))
    if (until <= begin) return
    this.#reader.forget(place)
    await this.#topics.deleteBefore(place, until)
  }

  register(subject: string, schema: string): Promise<number> {
    return this.patiently('the schema registry', () => this.#registry.register(subject, schema))
  }

  schema(id: number): Promise<string> {
    return this.#registry.schema(id)
  }

  health(): readonly string[] {
    const { failing } = this.#lane
    return failing === null ? this.#partitions.broken() : [failing, ...this.#partitions.broken()]
  }

  /** Waits for what is not there yet, as long as a start may. */
  patiently<T>(what: string, work: () => Promise<T>): Promise<T> {
    const { startTimeoutMs: limitMs, warn } = this.#settings
    return patiently(what, work, { limitMs, warn, signal: this.#closing.signal })
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all([...this.#members].map((member) => member.leave()))
    // What is under way has a moment to be answered: who waits for it was told nothing yet, and tries again elsewhere.
    const cut = setTimeout(() => this.#cluster.drop('produce'), CLOSE_MS)
    await this.#lane.close()
    clearTimeout(cut)
    await this.#watch.close()
    await this.#cluster.close()
  }

  #stored(place: TopicPartition, baseOffset: number, records: readonly BatchRecord[], endBefore: number | null): void {
    if (endBefore !== null && baseOffset < endBefore) {
      throw this.#partitions.break(place, `it ended at ${endBefore} before, and at ${baseOffset} now`)
    }
    for (const [i, record] of records.entries()) this.#partitions.remember(place, baseOffset + i, record)
    this.#reached(place, baseOffset + records.length)
  }

  #fetched(place: TopicPartition, records: readonly PlacedRecord[], end: number): void {
    for (const record of records) this.#partitions.remember(place, record.offset, record)
    this.#reached(place, end)
  }

  #reached(place: TopicPartition, end: number): void {
    if (this.#partitions.reached(place, end)) this.#watch.reached(place, end)
  }

  /** What a member begins with: its partitions and where the group stands in them. */
  async #assignments(group: string, partitions: PartitionsByTopic): Promise<readonly Assignment[]> {
    const stored = new Map((await this.#groups.positions(group)).map((each) => [keyOf(each.position), each]))
    const places = Object.keys(partitions)
      .sort()
      .flatMap((topic) => partitions[topic].map((partition) => ({ topic, partition })))
    const assignments: Assignment[] = []
    for (const place of places) {
      const found = stored.get(keyOf(place))
      if (found !== undefined) await this.#compare(place, found, group)
      assignments.push({ ...place, position: found?.position ?? null })
    }
    return assignments
  }

  /** A position whose record is another than when it was committed is one in another log. */
  async #compare(place: TopicPartition, { position, mark }: StoredPosition, group: string): Promise<void> {
    if (mark === null || position.log !== this.id) return
    const found = await this.#markBefore(place, position.offset)
    if (found === null || found === mark) return
    this.#partitions.break(place, `the record before offset ${position.offset} is another than group ${group} has read`)
  }

  async #prepare(positions: readonly Position[], generation: number): Promise<readonly CommitTopic[]> {
    const prepared = new Map<string, CommitTopic['partitions'][number][]>()
    for (const position of positions) {
      await this.#checkPosition(position)
      const { topic, partition, offset } = position
      const mark = this.#partitions.mark(position, offset - 1) ?? (await this.#markBefore(position, offset))
      const entry = { partition, offset: String(offset), metadata: encodeMetadata(position, generation, mark) }
      prepared.set(topic, [...(prepared.get(topic) ?? []), entry])
    }
    return [...prepared].map(([topic, partitions]) => ({ topic, partitions }))
  }

  async #checkPosition(position: Position): Promise<void> {
    const { offset, reached } = position
    const sound = [offset, ...Object.values(reached)].every((value) => Number.isSafeInteger(value) && value >= 0)
    const known = this.#partitions.end(position)
    const end = known !== null && offset <= known ? known : (await this.#offsets.bounds(position)).end
    if (sound && offset <= end) return
    throw new RangeError(
      `${keyOf(position)}: offset ${offset}, reached ${JSON.stringify(reached)} is no position, the end is ${end}`,
    )
  }

  /** The mark of the record before an offset; `null` where it is gone, or there never was one. */
  async #markBefore({ topic, partition }: TopicPartition, offset: number): Promise<number | null> {
    if (offset === 0) return null
    try {
      const [record] = await this.#reader.read({ topic, partition }, offset - 1, { maxBytes: 1, maxRecords: 1 })
      return record?.offset === offset - 1 ? markOf(record) : null
    } catch (error) {
      if (error instanceof RangeError || error instanceof OperatorError) return null
      throw error
    }
  }
}
