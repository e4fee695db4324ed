/** What is replayed: the log, and what it has no more from the archive, where there is one. */
import type { EventLog } from '#pipeline/log/log.ts'
import type { RecordSource } from '#pipeline/replay/replay.ts'
import { createArchiveReader } from '#sinks/archive/archive_reader.ts'
import { createArchivedLog } from '#sinks/archive/archived_log.ts'
import { openStore, type StoreSettings } from '#sinks/store/open_store.ts'

/** @throws OperatorError where the archive's URL is none of a store */
export async function openRecordSource(log: EventLog, archive: StoreSettings | null): Promise<RecordSource> {
  if (archive === null) return log
  const archived = createArchivedLog(log, createArchiveReader(await openStore(archive)))
  // Only the log gets more.
  return { ...archived, waitFor: (topic, partition, offset, signal) => log.waitFor(topic, partition, offset, signal) }
}
