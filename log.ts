/** The log as the settings have it: in the data folder. */
import { createEmbeddedLog } from '#pipeline/log/embedded/embedded.ts'
import type { EventLog, SchemaRegistry } from '#pipeline/log/log.ts'
import { createSqliteStateStore } from '#pipeline/state/sqlite.ts'
import { telemetryRaw } from '#schemas/topics.ts'
import type { Stores } from '#ui/cli/stores.ts'
import type { Settings } from './settings.ts'

export interface OpenedLog {
  readonly log: EventLog & SchemaRegistry
  /** Whether other processes may work on it, too. */
  readonly isShared: boolean
  /** Partitions of every topic. */
  readonly partitions: number
  /** A sentence for each part that has failed; empty when all is well. */
  health(): readonly string[]
  close(): Promise<void>
}

/** @throws OperatorError saying what to do: another process has it, or the folder is damaged or foreign */
export async function openLog(settings: Settings, warn: (message: string) => void): Promise<OpenedLog> {
  const log = await createEmbeddedLog({ directory: settings.logDir, warn })
  const partitions = settings.partitions ?? (await partitionsOf(log)) ?? 1
  return { log, isShared: false, partitions, health: () => log.health(), close: () => log.close() }
}

/** As many as the topics have; where they are yet to be made, none. */
async function partitionsOf(log: EventLog): Promise<number | undefined> {
  return (await log.topics()).find(({ name }) => name === telemetryRaw.name)?.partitions
}

/** For commands beside a running millrace, and while it is stopped. */
export function storesOf({ logDir: directory, stateFile }: Settings): Stores {
  const reading: Stores['reading'] = async (work) => {
    const log = await createEmbeddedLog({ directory, readOnly: true })
    try {
      return await work(log)
    } finally {
      await log.close()
    }
  }
  return {
    reading,
    async alone(work) {
      // Opening a log to write makes one where there is none: looking first refuses.
      await reading(async () => {})
      const log = await createEmbeddedLog({ directory })
      try {
        const states = createSqliteStateStore(stateFile)
        try {
          return await work(log, states)
        } finally {
          await states.close()
        }
      } finally {
        await log.close()
      }
    },
  }
}
