/** How a batch is written to a topic: `avro/event_batch.avsc`. */
import { avroType } from '#pipeline/avro/avro.ts'
import type { Batch, Lineage, Origin, Signal } from '#pipeline/batch/batch.ts'
import { byteSize, type Column, type ColumnType, type Indexes, isDictionary } from '#pipeline/batch/column.ts'
import type { Codec } from '#pipeline/stage/topic.ts'

interface AvroColumn {
  name: string
  type: ColumnType
  dictionary_offsets: Buffer
  dictionary: Buffer
  values: Buffer
  present: Buffer
}

interface AvroBatch {
  contract: number
  project_id: string
  signal: Signal
  received_at: number
  event_count: number
  origin: Origin
  raw: Lineage
  outcomes: Record<string, number>
  columns: AvroColumn[]
  received_bytes: number
  requeue: { stage: string; record: Buffer; positions: number[] } | null
}

/** Version of the column list: raised whenever a column changes its meaning. */
export const CONTRACT = 1

const avroBatch = avroType<AvroBatch>(new URL('./avro/event_batch.avsc', import.meta.url))
const NOTHING = Buffer.alloc(0)
const HEADER_BYTES = 512
const COLUMN_HEADER_BYTES = 96

export const eventBatchCodec: Codec<Batch> = {
  schema: avroBatch.schema,
  encode(batch, schemaId) {
    let size = HEADER_BYTES
    const columns: AvroColumn[] = []
    for (const [name, column] of batch.columns) {
      size += COLUMN_HEADER_BYTES + name.length * 3 + byteSize(column)
      columns.push(toAvro(name, column))
    }
    const value: AvroBatch = {
      contract: batch.contract,
      project_id: batch.projectId,
      signal: batch.signal,
      received_at: batch.receivedAt,
      event_count: batch.eventCount,
      origin: batch.origin,
      raw: batch.raw,
      outcomes: Object.fromEntries(batch.outcomes),
      columns,
      received_bytes: batch.receivedBytes,
      requeue: toRequeue(batch),
    }
    size += batch.requeue?.record.length ?? 0
    return avroBatch.encode(value, schemaId, size)
  },
  decode(bytes) {
    const value = avroBatch.decode(bytes)
    const columns = new Map<string, Column>()
    for (const column of value.columns) columns.set(column.name, fromAvro(column, value.event_count))
    return {
      contract: value.contract,
      projectId: value.project_id,
      signal: value.signal,
      receivedAt: value.received_at,
      eventCount: value.event_count,
      origin: value.origin,
      raw: value.raw,
      receivedBytes: value.received_bytes,
      outcomes: new Map(Object.entries(value.outcomes)),
      columns,
      ...(value.requeue === null ? {} : { requeue: value.requeue }),
    }
  },
}

function toRequeue({ requeue }: Batch): AvroBatch['requeue'] {
  if (requeue === undefined) return null
  const { stage, record, positions } = requeue
  return { stage, record: Buffer.from(record.buffer, record.byteOffset, record.length), positions: [...positions] }
}

function toAvro(name: string, column: Column): AvroColumn {
  if (isDictionary(column)) {
    return {
      name,
      type: column.type,
      dictionary_offsets: bytesOf(column.offsets),
      dictionary: bytesOf(column.data),
      values: bytesOf(column.indexes),
      present: NOTHING,
    }
  }
  const present = column.type === 'boolean' || column.present === null ? NOTHING : bytesOf(column.present)
  return {
    name,
    type: column.type,
    dictionary_offsets: NOTHING,
    dictionary: NOTHING,
    values: bytesOf(column.values),
    present,
  }
}

function fromAvro(column: AvroColumn, rows: number): Column {
  const { type, values } = column
  switch (type) {
    case 'long':
      return { type, values: new BigInt64Array(...aligned(values, 8, rows, column)), present: presence(column, rows) }
    case 'double':
      return { type, values: new Float64Array(...aligned(values, 8, rows, column)), present: presence(column, rows) }
    case 'boolean':
      return { type, values: new Uint8Array(...aligned(values, 1, rows, column)) }
    default: {
      const width = rows === 0 ? 1 : values.length / rows
      const offsets = column.dictionary_offsets
      return {
        type,
        offsets: new Uint32Array(...aligned(offsets, 4, offsets.length / 4, column)),
        data: column.dictionary,
        indexes: indexes(values, width, rows, column),
      }
    }
  }
}

function indexes(values: Buffer, width: number, rows: number, column: AvroColumn): Indexes {
  if (width === 1) return new Uint8Array(...aligned(values, 1, rows, column))
  if (width === 2) return new Uint16Array(...aligned(values, 2, rows, column))
  if (width === 4) return new Uint32Array(...aligned(values, 4, rows, column))
  throw new RangeError(`column ${column.name}: ${values.length} bytes of indexes for ${rows} events`)
}

function presence(column: AvroColumn, rows: number): Uint8Array | null {
  if (column.present.length === 0 && (rows > 0 || column.values.length === 0)) return null
  return new Uint8Array(...aligned(column.present, 1, rows, column))
}

/** The buffer, offset and length for a typed array view; bytes that are not aligned are copied once. */
function aligned(bytes: Buffer, width: number, count: number, column: AvroColumn): [ArrayBuffer, number, number] {
  if (bytes.length !== width * count) {
    throw new RangeError(`column ${column.name}: ${bytes.length} bytes where ${width * count} belong`)
  }
  if (bytes.byteOffset % width === 0) return [bytes.buffer as ArrayBuffer, bytes.byteOffset, count]
  return [new Uint8Array(bytes).buffer, 0, count]
}

function bytesOf(array: Uint8Array | Uint16Array | Uint32Array | BigInt64Array | Float64Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength)
}
