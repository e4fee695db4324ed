/** Every topic of the telemetry topology, in the order data meets them. */
import { defineTopic } from '#pipeline/stage/topic.ts'
import { eventBatchCodec } from './event_batch.ts'
import { type RawBatch, rawRecordCodec } from './raw_record.ts'
import { checkColumns } from './tables/check_columns.ts'

const DAY_MS = 24 * 3_600_000

export const telemetryRaw = defineTopic<RawBatch>('telemetry.raw.v1', rawRecordCodec, {
  source: true,
  retentionMs: 7 * DAY_MS,
  retentionBytes: 20 * 2 ** 30,
})
/** A column that has a table's column's name has its type too, on every topic of events. */
const events = (name: string) => defineTopic(name, eventBatchCodec, { check: checkColumns })

export const telemetryNormalized = events('telemetry.normalized.v1')
export const telemetryFlattened = events('telemetry.flattened.v1')
export const telemetryEvents = events('telemetry.events.v1')
