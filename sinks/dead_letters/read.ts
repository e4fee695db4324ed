/** Groups and rows, for people. */
import {
  type Batch,
  DEAD_LETTER_BYTES,
  DEAD_LETTER_CODE,
  DEAD_LETTER_DETAIL,
  DEAD_LETTER_STAGE,
  DEAD_LETTER_VERSION,
  POSITION,
  positionAt,
} from '#pipeline/batch/batch.ts'
import { valueAt } from '#pipeline/batch/column.ts'
import { eventIds } from '#pipeline/batch/event_id.ts'
import type { EventLog } from '#pipeline/log/log.ts'
import type { Connection } from '#pipeline/postgres/database.ts'
import type {
  CutBytes,
  DeadLetter,
  DeadLetterFilter,
  DeadLetterGroup,
  DeadLetterScope,
  DeadLetterState,
  RawExport,
  RowCursor,
} from '#schemas/dead_letters.ts'
import type { QueryValue } from '#schemas/query.ts'
import { tableOf } from '#schemas/tables/tables.ts'
import { isoTimestamp } from '#schemas/tables/time_text.ts'
import { telemetryRaw } from '#schemas/topics.ts'
import type { DeadTopic } from './topics.ts'

/** Of records read for one page. */
const MAX_READ_BYTES = 16 * 2 ** 20
/** Index entries looked at for one page. */
const MAX_ENTRIES = 100
/** Of one value, one record's bytes, one export, in an answer. */
const MAX_VALUE_CHARACTERS = 8192
const MAX_BYTES = 65_536

/** The condition, and its parameters; those of the caller's come behind. */
export function matching(logId: string, scope: DeadLetterScope, filter: DeadLetterFilter): [string, unknown[]] {
  const { cause = null, topic = null, code = null, stage = null, from = null, to = null } = filter
  return [
    `log = $1 and (project_id = $2 or ($3 and project_id is null)) and state = $4
     and ($5::text is null or cause = $5) and ($6::text is null or topic = $6) and ($7::text is null or code = $7)
     and ($8::text is null or stage = $8)
     and ($9::bigint is null or received_at >= to_timestamp($9 / 1000000.0))
     and ($10::bigint is null or received_at < to_timestamp($10 / 1000000.0))`,
    [logId, scope.projectId, scope.unreadable, filter.state, cause, topic, code, stage, from, to],
  ]
}

/** @throws as `Connection.query` */
export async function readGroups(
  connection: Connection,
  logId: string,
  scope: DeadLetterScope,
  filter: DeadLetterFilter,
  {
    after,
    limit,
  }: { readonly after?: { readonly lastSeen: number; readonly cause: string } | undefined; readonly limit: number },
): Promise<readonly DeadLetterGroup[]> {
  const [where, params] = matching(logId, scope, filter)
  return connection.query<DeadLetterGroup>(
    `with found as (select * from dead_letters where ${where}), causes as (
       select cause, topic, code, stage, detail, (array_agg(example order by id desc))[1] as example,
         sum(events)::bigint as events, count(distinct (topic, partition, "offset")) as records,
         ${micros('min(received_at)')} as "firstSeen", ${micros('max(received_at)')} as "lastSeen"
       from found group by cause, topic, code, stage, detail)
     select causes.*,
       array(select distinct service from found, unnest(found.services) as service
         where found.cause = causes.cause order by service limit 8) as services,
       array(select distinct version from found where found.cause = causes.cause and version is not null limit 8) as versions
     from causes where $11::bigint is null or ("lastSeen", cause) < ($11, $12)
     order by "lastSeen" desc, cause desc limit $13`,
    [...params, after?.lastSeen ?? null, after?.cause ?? null, limit],
  )
}

interface Entry {
  readonly id: number
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly rows: readonly number[] | null
  readonly state: DeadLetterState
}

export interface RowOptions {
  readonly connection: Connection
  readonly log: Pick<EventLog, 'id' | 'bounds' | 'read'>
  readonly topics: readonly DeadTopic[]
}

/** @throws as `Connection.query` and `EventLog.read` */
export async function readRows(
  { connection, log, topics }: RowOptions,
  scope: DeadLetterScope,
  filter: DeadLetterFilter,
  { after, limit, raw }: { readonly after?: RowCursor | undefined; readonly limit: number; readonly raw: boolean },
): Promise<{ readonly rows: readonly DeadLetter[]; readonly next: RowCursor | null }> {
  const [where, params] = matching(log.id, scope, filter)
  const entries = await connection.query<Entry>(
    `select id, topic, partition, "offset", rows, state from dead_letters
     where ${where} and ($11::bigint is null or id <= $11) order by id desc limit ${MAX_ENTRIES + 1}`,
    [...params, after?.entry ?? null],
  )
  const found: DeadLetter[] = []
  let bytes = 0
  for (const [at, entry] of entries.entries()) {
    const first = entry.id === after?.entry ? after.row : 0
    if (found.length >= limit || bytes >= MAX_READ_BYTES || at === MAX_ENTRIES) {
      return { rows: found, next: { entry: entry.id, row: first } }
    }
    const read = await readDeadRecord(log, topics, entry)
    if (read === null) continue
    bytes += read.sizeBytes
    const rows = entry.rows ?? Array.from({ length: read.batch.eventCount }, (_, row) => row)
    const shown = rows.slice(first, first + limit - found.length)
    const exports = raw ? await readExports(log, read.batch) : []
    for (const row of shown) found.push(deadLetterAt(entry, read.batch, row, exports))
    if (first + shown.length < rows.length) return { rows: found, next: { entry: entry.id, row: first + shown.length } }
  }
  return { rows: found, next: null }
}

/** `null` where the topic does not have it any more. @throws as `EventLog.read` */
export async function readDeadRecord(
  log: Pick<EventLog, 'id' | 'bounds' | 'read'>,
  topics: readonly DeadTopic[],
  { topic: of, partition, offset }: { readonly topic: string; readonly partition: number; readonly offset: number },
): Promise<{ readonly batch: Batch; readonly sizeBytes: number } | null> {
  const topic = topics.find((each) => each.of === of)
  if (topic === undefined) return null
  const { begin, end } = await log.bounds(topic.dead.name, partition)
  if (offset < begin || offset >= end) return null
  const [record] = await log.read(topic.dead.name, partition, offset, { maxBytes: 1, maxRecords: 1 })
  if (record?.offset !== offset) return null
  const batch = topic.dead.codec.decode(record.value, { log: log.id, topic: of, partition, offset, previous: -1 })
  return { batch, sizeBytes: record.value.length }
}

interface PlacedExport extends RawExport {
  /** Positions of its events: from, and before. */
  readonly from: number
  readonly to: number
}

async function readExports(log: RowOptions['log'], { raw }: Batch): Promise<readonly PlacedExport[]> {
  if (raw.log !== log.id || raw.topic !== telemetryRaw.name) return []
  const { begin, end } = await log.bounds(raw.topic, raw.partition)
  if (raw.offset < begin || raw.offset >= end) return []
  const [record] = await log.read(raw.topic, raw.partition, raw.offset, { maxBytes: 1, maxRecords: 1 })
  if (record?.offset !== raw.offset) return []
  let position = 0
  try {
    return telemetryRaw.codec.decode(record.value, { ...raw, previous: -1 }).exports.map((each) => {
      const { contentType, receivedAt, body, eventCount } = each
      position += eventCount
      return { contentType, receivedAt, body: cut(body), from: position - eventCount, to: position }
    })
  } catch {
    return []
  }
}

const OWN = new Set([
  ...[DEAD_LETTER_CODE, DEAD_LETTER_DETAIL, DEAD_LETTER_STAGE, DEAD_LETTER_VERSION, DEAD_LETTER_BYTES],
  POSITION,
])

function deadLetterAt(entry: Entry, batch: Batch, row: number, exports: readonly PlacedExport[]): DeadLetter {
  const value = (name: string) => {
    const column = batch.columns.get(name)
    return column === undefined ? null : valueAt(column, row)
  }
  const text = (name: string) => (value(name) as string | null) ?? ''
  const position = positionAt(batch, row)
  const bytes = value(DEAD_LETTER_BYTES) as Uint8Array | null
  const event: Record<string, QueryValue> = {}
  const truncated: string[] = []
  for (const name of batch.columns.keys()) {
    const given = OWN.has(name) ? null : value(name)
    if (given === null) continue
    const plain = plainValue(batch, name, given)
    const isLong = typeof plain === 'string' && plain.length > MAX_VALUE_CHARACTERS
    if (isLong) truncated.push(name)
    event[name] = isLong ? plain.slice(0, MAX_VALUE_CHARACTERS) : plain
  }
  const from = exports.find((each) => position >= each.from && position < each.to)
  const { contentType, receivedAt, body } = from ?? {}
  return {
    id: `${entry.topic}/${entry.partition}/${entry.offset}/${row}`,
    ...{ topic: entry.topic, state: entry.state, code: text(DEAD_LETTER_CODE), stage: text(DEAD_LETTER_STAGE) },
    ...{ detail: text(DEAD_LETTER_DETAIL).slice(0, MAX_VALUE_CHARACTERS), version: text(DEAD_LETTER_VERSION) || null },
    ...{ signal: batch.signal, receivedAt: batch.receivedAt, origin: batch.origin, raw: { ...batch.raw, position } },
    eventId: bytes === null ? eventIds(batch)(row) : null,
    ...{ event, truncated, bytes: bytes === null ? null : cut(bytes) },
    rawExport: from === undefined ? null : { contentType: contentType!, receivedAt: receivedAt!, body: body! },
  }
}

/** As `POST /v1/query` gives it. */
function plainValue(batch: Batch, name: string, value: string | bigint | number | boolean | Uint8Array): QueryValue {
  if (typeof value === 'bigint') {
    const declared = tableOf(batch.signal).stored.find((column) => column.name === name)
    if (declared?.type === 'timestamptz') return isoTimestamp(value)
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  }
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
}

function cut(bytes: Uint8Array): CutBytes {
  const kept = bytes.subarray(0, MAX_BYTES)
  return {
    size: bytes.length,
    base64: Buffer.from(kept).toString('base64'),
    truncated: kept.length < bytes.length,
  }
}

function micros(expression: string): string {
  return `(extract(epoch from ${expression}) * 1000000)::bigint`
}
