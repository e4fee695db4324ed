/** The archive of the raw topic, where the settings name a place for one. */
import type { EventLog } from '#pipeline/log/log.ts'
import type { AnySink } from '#pipeline/stage/sink.ts'
import { telemetryRaw } from '#schemas/topics.ts'
import { ARCHIVE, defineArchive } from '#sinks/archive/archive.ts'
import { checkStore } from '#sinks/store/check_store.ts'
import type { Settings } from './settings.ts'

/**
 * @returns its sink, or none
 * @throws OperatorError as `checkStore`, where this process is to write it
 */
export async function openArchive(
  { archive, roles }: Settings,
  log: EventLog,
  warn: (message: string) => void,
): Promise<readonly AnySink[]> {
  if (archive === null) {
    if ((await log.groups()).includes(ARCHIVE)) warn(leftBehind(ARCHIVE))
    return []
  }
  if (roles.has('lake')) await checkStore(archive.store, warn)
  return [defineArchive(telemetryRaw, { ...archive, warn })]
}

function leftBehind(group: string): string {
  return (
    'there was an archive once, and MILLRACE_ARCHIVE is not set: the log keeps everything that was not archived. To let it ' +
    `go, stop millrace and run: millrace groups reset ${group}`
  )
}
