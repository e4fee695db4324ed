/** Keeps what a reader passes over. */
import type { EventLog } from '../log/log.ts'
import type { Logger } from '../observability/logger.ts'
import type { Sink } from '../stage/sink.ts'
import { deadLetterTopic, type Stage } from '../stage/stage.ts'
import { unreadableLetter } from './dead_letters.ts'
import { recordOf } from './record.ts'
import type { SourceOptions } from './source.ts'
import type { TaskStats } from './stats.ts'

export interface PutAsideOptions {
  readonly log: EventLog
  /** Schema ids by topic name. */
  readonly schemaIds: ReadonlyMap<string, number>
  readonly logger: Pick<Logger, 'warn'>
}

/** Appends a record that cannot be read to the dead letters of its topic. After a crash it may do so again, under the same origin. */
export function putAside(
  reader: Stage | Sink,
  { log, schemaIds, logger }: PutAsideOptions,
  stats: TaskStats,
): NonNullable<SourceOptions<never>['aside']> {
  return async ({ topic, partition, offset, timestamp }, unreadable) => {
    const origin = { log: log.id, topic, partition, offset, previous: -1 }
    const letter = unreadableLetter(reader, { origin, receivedAt: timestamp * 1000 }, unreadable)
    await log.append([recordOf(deadLetterTopic(reader), letter, schemaIds)])
    stats.deadLettered(1)
    logger.warn({ part: reader.name, topic, partition, offset, error: unreadable.detail }, 'record put aside')
  }
}
