/** Every topic of the telemetry topology, in the order data meets them. */
import { defineTopic } from '#pipeline/stage/topic.ts'
import { eventBatchCodec } from './event_batch.ts'
import { type RawBatch, rawRecordCodec } from './raw_record.ts'

const DAY_MS = 24 * 3_600_000

export const telemetryRaw = defineTopic<RawBatch>('telemetry.raw.v1', rawRecordCodec, {
  source: true,
  retentionMs: 7 * DAY_MS,
  retentionBytes: 20 * 2 ** 30,
})
export const telemetryNormalized = defineTopic('telemetry.normalized.v1', eventBatchCodec)
export const telemetryFlattened = defineTopic('telemetry.flattened.v1', eventBatchCodec)
export const telemetryEvents = defineTopic('telemetry.events.v1', eventBatchCodec)
