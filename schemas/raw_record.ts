/** What receivers write: exports as received. `avro/raw_record.avsc`. */
import { avroType } from '#pipeline/avro/avro.ts'
import type { Batch, Lineage, Origin, Signal } from '#pipeline/batch/batch.ts'
import type { Carrier, Codec } from '#pipeline/stage/topic.ts'
import { eventBatchCodec } from './event_batch.ts'

export type ContentType = 'application/x-protobuf' | 'application/json'

/** One OTLP export request. */
export interface Export {
  /** 16 bytes: hash of project and body. A retry has the same. */
  readonly key: Uint8Array
  /** Microseconds since 1970. */
  readonly receivedAt: number
  readonly contentType: ContentType
  /** Uncompressed; API keys in it are masked. */
  readonly body: Uint8Array
  /** Logs, spans or data points in the body, refused ones too. */
  readonly eventCount: number
  /** Ascending indexes of the events the receiver refused. */
  readonly refused: readonly number[]
}

export interface RawRecord {
  /** Empty for a tick. */
  readonly projectId: string
  readonly signal: Signal
  /** Microseconds since 1970. */
  readonly receivedAt: number
  readonly exports: readonly Export[]
  readonly decision?: RawDecision | undefined
}

/** What people decided about dead letters goes the way of all events: so it has its place in their order, and is replayed. */
export interface RawDecision {
  /** Which dead letters. */
  readonly id: string
  /** A framed record of `event_batch.avsc`, without events; its origin does not count. */
  readonly batch: Uint8Array
}

/** A raw record with its place in the log. */
export interface RawBatch extends RawRecord, Carrier {
  readonly origin: Origin
  readonly raw: Lineage
}

interface AvroRaw {
  project_id: string
  signal: Signal
  received_at: number
  exports: {
    key: Buffer
    received_at: number
    content_type: string
    body: Buffer
    event_count: number
    refused: number[]
  }[]
  decision: { id: string; batch: Buffer } | null
}

const avroRaw = avroType<AvroRaw>(new URL('./avro/raw_record.avsc', import.meta.url))

export const rawRecordCodec: Codec<RawBatch> & { encode(record: RawRecord, schemaId: number): Uint8Array } = {
  schema: avroRaw.schema,
  encode(record, schemaId) {
    let size = 256
    const exports = record.exports.map((part) => {
      size += part.body.length + 64 + part.refused.length * 5
      return {
        key: asBuffer(part.key),
        received_at: part.receivedAt,
        content_type: part.contentType,
        body: asBuffer(part.body),
        event_count: part.eventCount,
        refused: [...part.refused],
      }
    })
    const { projectId, signal, receivedAt, decision: decided } = record
    const decision = decided === undefined ? null : { id: decided.id, batch: asBuffer(decided.batch) }
    size += decision === null ? 0 : decision.id.length * 3 + decision.batch.length
    return avroRaw.encode({ project_id: projectId, signal, received_at: receivedAt, exports, decision }, schemaId, size)
  },
  decode(bytes, place) {
    const value = avroRaw.decode(bytes)
    const exports = value.exports.map((part) => ({
      key: part.key,
      receivedAt: part.received_at,
      contentType: part.content_type as ContentType,
      body: part.body,
      eventCount: part.event_count,
      refused: part.refused,
    }))
    return {
      projectId: value.project_id,
      signal: value.signal,
      receivedAt: value.received_at,
      exports,
      eventCount: exports.reduce((sum, part) => sum + part.eventCount, 0),
      origin: place,
      raw: { log: place.log, topic: place.topic, partition: place.partition, offset: place.offset },
      ...(value.decision === null ? {} : decided(value.decision, place)),
    }
  },
}

function decided(decision: RawDecision, origin: Origin): Pick<RawBatch, 'decision' | 'passing'> {
  const passing: Batch = { ...eventBatchCodec.decode(decision.batch, origin), origin }
  return { decision, passing }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
