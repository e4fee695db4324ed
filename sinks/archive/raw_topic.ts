/** A topic's records as they are in the log: nothing of them is decoded. */
import type { Origin } from '#pipeline/batch/batch.ts'
import type { Carrier, Codec, Topic } from '#pipeline/stage/topic.ts'
import type { ArchivedRecord } from './container.ts'

/** A record on its way into the archive. */
export interface RawValue extends Carrier, ArchivedRecord {
  readonly origin: Origin
}

/** @param topic a source */
export function recordsOf(topic: Topic<Carrier>): Topic<RawValue> {
  const codec: Codec<RawValue> = {
    schema: topic.codec.schema,
    encode: ({ value }) => value,
    decode(value, origin, record) {
      if (record === undefined) throw new RangeError('a record without its key and timestamp')
      const { key, timestamp } = record
      return { offset: origin.offset, timestamp, key, value, origin, receivedAt: timestamp * 1000, eventCount: 0 }
    },
  }
  return { ...topic, codec, check: undefined }
}
