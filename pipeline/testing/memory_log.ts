/** An EventLog in memory: for tests of everything that is not the log. Passes the log's conformance suite. */
import { randomUUID } from 'node:crypto'
import { FencedError, OperatorError } from '../errors/errors.ts'
import type {
  Bounds,
  EventLog,
  GroupListener,
  LogRecord,
  Membership,
  NewRecord,
  Position,
  ReadOptions,
  SchemaRegistry,
  TopicInfo,
  TopicSpec,
} from '../log/log.ts'

interface Partition {
  begin: number
  readonly records: LogRecord[]
  readonly waiters: Set<() => void>
}

export class MemoryLog implements EventLog, SchemaRegistry {
  readonly id: string
  readonly #topics = new Map<string, { spec: TopicSpec; partitions: Partition[] }>()
  readonly #positions = new Map<string, Map<string, Position>>()
  readonly #generations = new Map<string, { generation: number; listener: GroupListener; topics: readonly string[] }>()
  readonly #schemas: { subject: string; schema: string }[] = []

  constructor(id: string = randomUUID()) {
    this.id = id
  }

  async createTopics(specs: readonly TopicSpec[]): Promise<void> {
    for (const spec of specs) {
      const existing = this.#topics.get(spec.name)
      if (existing !== undefined && existing.partitions.length !== spec.partitions) {
        throw new OperatorError(
          `topic ${spec.name} has ${existing.partitions.length} partitions, not ${spec.partitions}`,
        )
      }
      if (existing !== undefined) continue
      const partitions = Array.from({ length: spec.partitions }, newPartition)
      this.#topics.set(spec.name, { spec, partitions })
    }
  }

  async growTopics(names: readonly string[], count: number): Promise<void> {
    for (const name of names) {
      const { spec, partitions } = this.#topics.get(name)!
      const added = Array.from({ length: count - partitions.length }, newPartition)
      this.#topics.set(name, { spec: { ...spec, partitions: count }, partitions: [...partitions, ...added] })
    }
  }

  async topics(): Promise<readonly TopicInfo[]> {
    return [...this.#topics.values()].map(({ spec, partitions }) => ({
      ...spec,
      sizeBytes: partitions.flatMap((part) => part.records).reduce((sum, record) => sum + record.value.length, 0),
      bounds: partitions.map((part, partition) => boundsOf(part, partition)),
    }))
  }

  async bounds(topic: string, partition: number): Promise<Bounds> {
    return boundsOf(this.#partition(topic, partition), partition)
  }

  async append(records: readonly NewRecord[]): Promise<readonly number[]> {
    const offsets = records.map((record) => {
      const part = this.#partition(record.topic, record.partition)
      const offset = part.begin + part.records.length
      part.records.push({ ...record, key: record.key ?? null, offset })
      return offset
    })
    for (const { topic, partition } of records) {
      const { waiters } = this.#partition(topic, partition)
      const waiting = [...waiters]
      waiters.clear()
      for (const wake of waiting) wake()
    }
    return offsets
  }

  async read(topic: string, partition: number, offset: number, options: ReadOptions): Promise<readonly LogRecord[]> {
    const part = this.#partition(topic, partition)
    const { begin, end } = boundsOf(part, partition)
    if (offset < begin || offset > end)
      throw new RangeError(`${topic}/${partition} has ${begin} to ${end}, not ${offset}`)
    const page: LogRecord[] = []
    let size = 0
    for (const record of part.records.slice(
      offset - begin,
      offset - begin + (options.maxRecords ?? Number.MAX_SAFE_INTEGER),
    )) {
      size += record.value.length
      if (page.length > 0 && size > options.maxBytes) break
      page.push(record)
    }
    return page
  }

  waitFor(topic: string, partition: number, offset: number, signal: AbortSignal): Promise<void> {
    const part = this.#partition(topic, partition)
    if (signal.aborted || boundsOf(part, partition).end > offset) return Promise.resolve()
    return new Promise((resolve) => {
      const settle = () => {
        if (!signal.aborted && boundsOf(part, partition).end <= offset) {
          part.waiters.add(settle)
          return
        }
        part.waiters.delete(settle)
        signal.removeEventListener('abort', settle)
        resolve()
      }
      part.waiters.add(settle)
      signal.addEventListener('abort', settle)
    })
  }

  async offsetAt(topic: string, partition: number, timestamp: number): Promise<number> {
    const part = this.#partition(topic, partition)
    return part.records.find((record) => record.timestamp >= timestamp)?.offset ?? boundsOf(part, partition).end
  }

  async join(group: string, topics: readonly string[], listener: GroupListener): Promise<Membership> {
    const before = this.#generations.get(group)
    const generation = (before?.generation ?? 0) + 1
    this.#generations.set(group, { generation, listener, topics })
    before?.listener.revoked(this.#partitionsOf(before.topics))
    const current = () => this.#generations.get(group)?.generation === generation
    const membership: Membership = {
      generation,
      commit: async (positions) => {
        if (!current()) throw new FencedError(`group ${group} has a newer member than generation ${generation}`)
        const stored = this.#positions.get(group) ?? new Map<string, Position>()
        this.#positions.set(group, stored)
        for (const position of positions) stored.set(`${position.topic}/${position.partition}`, position)
      },
      leave: async () => {
        if (current()) this.#generations.set(group, { generation: generation + 1, listener: DEAF, topics: [] })
      },
    }
    const stored = this.#positions.get(group)
    const assignments = this.#partitionsOf(topics).map(({ topic, partition }) => ({
      topic,
      partition,
      position: stored?.get(`${topic}/${partition}`) ?? null,
    }))
    queueMicrotask(() => {
      if (current()) listener.assigned(assignments, membership)
    })
    return membership
  }

  async positions(group: string): Promise<readonly Position[]> {
    return [...(this.#positions.get(group)?.values() ?? [])]
  }

  async groups(): Promise<readonly string[]> {
    return [...this.#positions.keys()]
  }

  async deleteGroup(group: string): Promise<void> {
    this.#positions.delete(group)
  }

  async trim(topic: string, partition: number, offset: number): Promise<void> {
    const part = this.#partition(topic, partition)
    const count = Math.min(Math.max(0, offset - part.begin), part.records.length)
    part.records.splice(0, count)
    part.begin += count
  }

  async register(subject: string, schema: string): Promise<number> {
    const known = this.#schemas.findIndex((entry) => entry.subject === subject && entry.schema === schema)
    return known >= 0 ? known + 1 : this.#schemas.push({ subject, schema })
  }

  async schema(id: number): Promise<string> {
    const entry = this.#schemas[id - 1]
    if (entry === undefined) throw new RangeError(`there is no schema with id ${id}`)
    return entry.schema
  }

  async close(): Promise<void> {}

  #partition(topic: string, partition: number): Partition {
    const found = this.#topics.get(topic)?.partitions[partition]
    if (found === undefined) throw new RangeError(`there is no partition ${topic}/${partition}`)
    return found
  }

  #partitionsOf(topics: readonly string[]): { topic: string; partition: number }[] {
    return topics.flatMap((topic) =>
      (this.#topics.get(topic)?.partitions ?? []).map((_, partition) => ({ topic, partition })),
    )
  }
}

const DEAF: GroupListener = { assigned() {}, revoked() {} }

function newPartition(): Partition {
  return { begin: 0, records: [], waiters: new Set() }
}

function boundsOf(part: Partition, partition: number): Bounds {
  return { partition, begin: part.begin, end: part.begin + part.records.length }
}
