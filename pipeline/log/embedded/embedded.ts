/** The log inside this process: append-only segment files, and a small SQLite file for the rest. */
import { mkdirSync } from 'node:fs'
import type { EventLog, SchemaRegistry } from '../log.ts'
import { metadataPath, prepareFolder, topicsDirectory } from './folder.ts'
import { acquireLock } from './lock.ts'
import { MetadataClient } from './metadata_client.ts'
import { OwnedLog } from './owned_log.ts'
import { openReadOnly } from './read_only.ts'
import type { OpenFile } from './segment.ts'

export interface EmbeddedLogOptions {
  /** Made where it does not exist. */
  readonly directory: string
  /** For another process than the owner: reads, and nothing else. */
  readonly readOnly?: boolean
  /** A segment is sealed when it has grown to this, or is this old. */
  readonly segmentBytes?: number
  readonly segmentMs?: number
  /** All topics together, on disk. Past it, appends are refused. */
  readonly maxBytes?: number
  /** Appended and not yet durable. Past it, appends are refused; a single append may not be larger. */
  readonly maxQueuedBytes?: number
  /** How often retention is looked after. */
  readonly trimIntervalMs?: number
  /** Indexes of sealed segments kept in memory, at most 100 KB each. */
  readonly cachedIndexes?: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** Told of what was put right without losing anything acknowledged. */
  readonly warn?: (message: string) => void
  /** How files are opened for writing; tests hand in one whose files fail. */
  readonly openFile?: OpenFile
}

export interface EmbeddedLog extends EventLog, SchemaRegistry {
  /** A sentence for each part that has failed until a restart, a partition after a failed sync; empty when all is well. */
  health(): readonly string[]
}

/**
 * Opens the log in a folder, or makes it. One process owns it until `close`.
 * @throws OperatorError where another process has it, or the folder is damaged or holds something else
 */
export async function createEmbeddedLog(options: EmbeddedLogOptions): Promise<EmbeddedLog> {
  const { directory, cachedIndexes = 64 } = options
  if (options.readOnly) return openReadOnly(directory, cachedIndexes)
  prepareFolder(directory)
  const lock = acquireLock(directory)
  let metadata: MetadataClient | undefined
  try {
    const { client, logId } = await MetadataClient.open(metadataPath(directory))
    metadata = client
    mkdirSync(topicsDirectory(directory), { recursive: true })
    const log = new OwnedLog(logId, options, lock, client)
    await log.openTopics()
    return log
  } catch (cause) {
    await metadata?.close()
    lock.release()
    throw cause
  }
}
