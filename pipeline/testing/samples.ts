/** Small batches and topics for tests of the kernel. */
import { type Batch, type Origin, withColumns } from '../batch/batch.ts'
import { type ColumnType, columnOf, type Value, valueAt } from '../batch/column.ts'
import { type Codec, defineTopic, type Topic } from '../stage/topic.ts'

export const TEST_LOG_ID = '5eed0000-0000-4000-8000-000000000000'

/** A batch with origin `offset` (the one before it is `offset - 1`), received `offset` seconds into 2026. */
export function batchOf(
  offset: number,
  columns: Readonly<Record<string, readonly [ColumnType, readonly Value[]]>> = {},
  changes: Partial<Batch> = {},
): Batch {
  const eventCount = Object.values(columns)[0]?.[1].length ?? 0
  const origin: Origin = { log: TEST_LOG_ID, topic: 'test.raw.v1', partition: 0, offset, previous: offset - 1 }
  const empty: Batch = {
    contract: 1,
    projectId: 'project',
    signal: 'logs',
    receivedAt: (1_767_225_600 + offset) * 1_000_000,
    eventCount,
    origin,
    raw: { log: origin.log, topic: origin.topic, partition: 0, offset },
    receivedBytes: 0,
    outcomes: new Map(),
    columns: new Map(),
    ...changes,
  }
  return withColumns(
    empty,
    Object.entries(columns).map(([name, [type, values]]) => [name, columnOf(type, values)] as const),
  )
}

interface PlainColumn {
  name: string
  type: ColumnType
  values: (string | number | boolean | null)[]
}

/** Batches as JSON: readable in a failing test, and the kernel needs no schema of its own. */
export const jsonBatchCodec: Codec<Batch> = {
  schema: '"string"',
  encode(batch) {
    const columns = [...batch.columns].map(([name, column]): PlainColumn => {
      const values = Array.from({ length: batch.eventCount }, (_, row) => plain(valueAt(column, row)))
      return { name, type: column.type, values }
    })
    const requeue = batch.requeue && { ...batch.requeue, record: plain(batch.requeue.record) }
    const stored = { ...batch, deadLetters: undefined, outcomes: [...batch.outcomes], columns, requeue }
    return Buffer.from(JSON.stringify(stored))
  },
  decode(bytes, place) {
    const stored = JSON.parse(Buffer.from(bytes).toString('utf8'))
    const columns = (stored.columns as PlainColumn[]).map(
      ({ name, type, values }) =>
        [
          name,
          columnOf(
            type,
            values.map((value) => revived(type, value)),
          ),
        ] as const,
    )
    const { requeue } = stored
    const again = requeue && { requeue: { ...requeue, record: revived('bytes', requeue.record) } }
    const batch = { ...stored, outcomes: new Map(stored.outcomes), columns: new Map(columns), ...again }
    return { ...batch, origin: stored.origin ?? place }
  },
}

/** A topic whose records carry their origin. */
export function batchTopic(name: string): Topic<Batch> {
  return defineTopic(name, jsonBatchCodec)
}

/** A topic that receivers write: the origin is the place of the record. One may hold events to be treated again. */
export function sourceTopic(name: string): Topic<Batch> {
  const codec: Codec<Batch> = {
    ...jsonBatchCodec,
    decode(bytes, place) {
      const { log, topic, partition, offset } = place
      const batch = { ...jsonBatchCodec.decode(bytes, place), origin: place }
      const raw = { log, topic, partition, offset }
      return batch.requeue === undefined ? { ...batch, raw } : { ...batch, raw, requeue: undefined, passing: batch }
    },
  }
  return defineTopic(name, codec, { source: true })
}

function plain(value: Value): string | number | boolean | null {
  if (typeof value === 'bigint') return value.toString()
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
}

function revived(type: ColumnType, value: string | number | boolean | null): Value {
  if (value === null) return null
  if (type === 'long') return BigInt(value as string)
  return type === 'bytes' ? Buffer.from(value as string, 'base64') : value
}
