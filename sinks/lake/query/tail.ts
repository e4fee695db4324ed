/**
 * The tail: what the log holds and the lake does not yet.
 *
 * The seam is exact because of the order things are read in: first the lake group's positions, then the snapshot, then
 * the topic from those positions to its end. The group commits a position only after the files are committed, so what
 * lies before it is in the snapshot; of what lies after, the snapshot's own positions tell what it has already.
 * (The other way round, a commit between reading the snapshot and the positions would hide its rows.)
 */
import type { Batch } from '#pipeline/batch/batch.ts'
import type { EventLog, LogRecord, Position, Reached } from '#pipeline/log/log.ts'
import type { BatchTopic } from '#pipeline/stage/topic.ts'
import { QueryError } from '#schemas/query.ts'
import { checkStorable } from '#schemas/tables/check_columns.ts'
import { type Table, tableOf } from '#schemas/tables/tables.ts'
import type { LakeSnapshot } from './snapshot.ts'

export interface TailOptions {
  readonly log: EventLog
  readonly topic: BatchTopic
  /** The group whose positions say what the lake has. */
  readonly group: string
  /**
   * Decoded batches kept between queries; the ones unused for longest are dropped and read again when needed. A query
   * whose own part of the tail is larger fails: rows are never left out silently.
   */
  readonly maxBytes: number
  /** Records of events in the tail, of all projects together; beyond that queries fail until the lake catches up. */
  readonly maxRecords: number
}

/** One moment: a snapshot of each table asked for, and the batches that are in none of them. */
export interface TailView {
  readonly snapshots: ReadonlyMap<Table['name'], LakeSnapshot>
  readonly batches: ReadonlyMap<Table['name'], readonly Batch[]>
  /** By partition of the topic: everything before is in the view, nothing from there on. */
  readonly asOf: readonly Position[]
}

export interface Tail {
  /**
   * What a project's tables hold now: every row acknowledged on the topic before the call.
   * @throws QueryError where the tail is over its bound
   * @throws TransientError where log or lake cannot be read
   */
  read(
    projectId: string,
    tables: readonly Table['name'][],
    snapshot: (table: Table['name']) => Promise<LakeSnapshot>,
  ): Promise<TailView>
  /** Bytes of decoded batches held now. */
  readonly cachedBytes: number
}

/** A record of the topic that holds events. */
interface Entry {
  readonly partition: number
  readonly offset: number
  readonly projectId: string
  readonly table: Table['name']
  readonly origin: Batch['origin']
  readonly sizeBytes: number
  batch: Batch | null
}

interface PartitionState {
  /** Everything from here to `end` has been looked at. */
  begin: number
  end: number
  /** The last origins seen, and the log they count in: a record at or before them is a redelivery. */
  reached: Reached
  log: string
  entries: Entry[]
}

const PAGE_BYTES = 4 << 20

export function createTail({ log, topic, group, maxBytes, maxRecords }: TailOptions): Tail {
  const partitions = new Map<number, PartitionState>()
  /** Entries with a decoded batch, the one unused for longest first. */
  const cached = new Set<Entry>()
  let cachedBytes = 0
  let recordCount = 0
  let turn: Promise<unknown> = Promise.resolve()

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work)
    turn = result.catch(() => {})
    return result
  }

  const touch = (entry: Entry, batch: Batch) => {
    if (entry.batch === null) cachedBytes += entry.sizeBytes
    entry.batch = batch
    cached.delete(entry)
    cached.add(entry)
    for (const oldest of cached) {
      if (cachedBytes <= maxBytes) break
      drop(oldest)
    }
  }
  const drop = (entry: Entry) => {
    if (!cached.delete(entry)) return
    cachedBytes -= entry.sizeBytes
    entry.batch = null
  }

  const stateOf = async (partition: number, position: Position | undefined): Promise<PartitionState> => {
    const begin = position?.offset ?? (await log.bounds(topic.name, partition)).begin
    let state = partitions.get(partition)
    if (state === undefined || state.begin > begin || state.end < begin) {
      for (const entry of state?.entries ?? []) drop(entry)
      recordCount -= state?.entries.length ?? 0
      state = { begin, end: begin, reached: position?.reached ?? {}, log: position?.log ?? '', entries: [] }
      partitions.set(partition, state)
    }
    const passed = state.entries.findIndex((entry) => entry.offset >= begin)
    const gone = state.entries.splice(0, passed < 0 ? state.entries.length : passed)
    for (const entry of gone) drop(entry)
    recordCount -= gone.length
    state.begin = begin
    return state
  }

  const advance = async (partition: number, state: PartitionState): Promise<void> => {
    const { end } = await log.bounds(topic.name, partition)
    while (state.end < end) {
      const records = await log.read(topic.name, partition, state.end, { maxBytes: PAGE_BYTES })
      if (records.length === 0) return
      for (const record of records) note(state, record)
    }
  }

  const note = (state: PartitionState, record: LogRecord) => {
    const batch = readable(record)
    if (batch === null) {
      state.end = record.offset + 1
      return
    }
    const { origin } = batch
    const repeated = origin.log === state.log && origin.offset <= (state.reached[origin.partition] ?? -1)
    if (!repeated && batch.eventCount > 0 && isStorable(batch)) {
      if (recordCount >= maxRecords) throw overBound(`${maxRecords} records`)
      const table = tableOf(batch.signal).name
      const { partition, offset } = record
      const sizeBytes = record.value.length
      const entry: Entry = { partition, offset, projectId: batch.projectId, table, origin, sizeBytes, batch: null }
      state.entries.push(entry)
      recordCount++
      touch(entry, batch)
    }
    if (!repeated) {
      state.reached = { ...state.reached, [origin.partition]: origin.offset }
      state.log = origin.log
    }
    state.end = record.offset + 1
  }

  const decode = (record: LogRecord): Batch =>
    topic.codec.decode(record.value, {
      log: log.id,
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
      previous: record.offset - 1,
    })

  /** `null` for what the topic's readers put aside: it holds no events of anybody. */
  const readable = (record: LogRecord): Batch | null => {
    try {
      return decode(record)
    } catch {
      return null
    }
  }

  const batchOf = async (entry: Entry): Promise<Batch> => {
    let batch = entry.batch
    if (batch === null) {
      const [record] = await log.read(topic.name, entry.partition, entry.offset, { maxBytes: 1, maxRecords: 1 })
      batch = decode(record)
    }
    touch(entry, batch)
    return batch
  }

  return {
    get cachedBytes() {
      return cachedBytes
    },
    read: (projectId, tables, load) =>
      inTurn(async () => {
        const positions = (await log.positions(group)).filter((position) => position.topic === topic.name)
        const snapshots = new Map<Table['name'], LakeSnapshot>()
        for (const table of tables) snapshots.set(table, await load(table))
        const info = (await log.topics()).find((candidate) => candidate.name === topic.name)
        const wanted: Entry[] = []
        const asOf: Position[] = []
        for (let partition = 0; partition < (info?.partitions ?? 0); partition++) {
          const position = positions.find((candidate) => candidate.partition === partition)
          const state = await stateOf(partition, position)
          await advance(partition, state)
          asOf.push({ topic: topic.name, partition, offset: state.end, reached: state.reached, log: log.id })
          wanted.push(...state.entries.filter((entry) => isMissing(entry, projectId, snapshots)))
        }
        const bytes = wanted.reduce((sum, entry) => sum + entry.sizeBytes, 0)
        if (bytes > maxBytes) throw overBound(`${Math.ceil(maxBytes / 2 ** 20)} MiB`)
        const batches = new Map<Table['name'], Batch[]>(tables.map((table) => [table, []]))
        for (const entry of wanted) batches.get(entry.table)!.push(await batchOf(entry))
        return { snapshots, batches, asOf }
      }),
  }
}

/** What the lake puts aside is no row: not before it does so, either. */
function isStorable(batch: Batch): boolean {
  try {
    checkStorable(batch)
    return true
  } catch {
    return false
  }
}

function isMissing(entry: Entry, projectId: string, snapshots: ReadonlyMap<Table['name'], LakeSnapshot>): boolean {
  const snapshot = snapshots.get(entry.table)
  if (entry.projectId !== projectId || snapshot === undefined) return false
  const { log, topic, partition, offset } = entry.origin
  return offset > (snapshot.positions.get(`${log}/${topic}/${partition}`) ?? -1)
}

function overBound(bound: string): QueryError {
  return new QueryError({
    fault: 'overload',
    code: '53000',
    message: `the events not yet stored in the lake are over the bound of ${bound}; try again when the lake has caught up`,
  })
}
