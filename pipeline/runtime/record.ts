/** A value as its topic's log record. */
import type { NewRecord } from '../log/log.ts'
import type { Carrier, Topic } from '../stage/topic.ts'

/** @param schemaIds by topic name */
export function recordOf<T extends Carrier>(
  topic: Topic<T>,
  value: T,
  schemaIds: ReadonlyMap<string, number>,
): NewRecord {
  return {
    topic: topic.name,
    partition: value.origin.partition,
    value: topic.codec.encode(value, schemaIds.get(topic.name)!),
    timestamp: Math.floor(value.receivedAt / 1000),
  }
}
