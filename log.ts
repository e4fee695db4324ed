/** The log as the settings have it: in the data folder, or on Kafka. */
import { join } from 'node:path'
import { OperatorError } from '#pipeline/errors/errors.ts'
import { createEmbeddedLog } from '#pipeline/log/embedded/embedded.ts'
import { createKafkaLog } from '#pipeline/log/kafka/kafka.ts'
import type { KafkaSettings } from '#pipeline/log/kafka/settings.ts'
import type { EventLog, SchemaRegistry } from '#pipeline/log/log.ts'
import { liveWorkers } from '#pipeline/runtime/workers.ts'
import { createPostgresStateStore } from '#pipeline/state/postgres.ts'
import { createSqliteStateStore } from '#pipeline/state/sqlite.ts'
import type { StateStore } from '#pipeline/state/state.ts'
import { telemetryRaw } from '#schemas/topics.ts'
import type { LogPlace } from '#sinks/lake/query/local_sources.ts'
import type { Stores } from '#ui/cli/stores.ts'
import { openPostgres } from './postgres.ts'
import type { Settings } from './settings.ts'

/** Of topics that are made: on Kafka so that several processes can share the work. */
const PARTITIONS = { embedded: 1, kafka: 8 }

export interface OpenedLog {
  readonly log: EventLog & SchemaRegistry
  /** Where the query process finds it. */
  readonly place: LogPlace
  /** Whether other processes may work on it, too. */
  readonly isShared: boolean
  /** Partitions of every topic. */
  readonly partitions: number
  /** A sentence for each part that has failed; empty when all is well. */
  health(): readonly string[]
  close(): Promise<void>
}

type Log = EventLog & SchemaRegistry & Pick<OpenedLog, 'health'>

/**
 * @throws OperatorError saying what to do: another process has the folder, it is damaged or foreign, or Kafka is not what it was
 * @throws TransientError where Kafka is not there
 */
export async function openLog(settings: Settings, warn: (message: string) => void): Promise<OpenedLog> {
  const { logDir: directory, kafka } = settings
  const log: Log =
    kafka === null ? await createEmbeddedLog({ directory, warn }) : await createKafkaLog({ ...kafka, warn })
  const usual = kafka === null ? PARTITIONS.embedded : PARTITIONS.kafka
  return {
    log,
    place: kafka === null ? { directory } : { kafka },
    isShared: kafka !== null,
    partitions: settings.partitions ?? (await partitionsOf(log)) ?? usual,
    health: () => log.health(),
    close: () => log.close(),
  }
}

/** As many as the topics have; where they are yet to be made, none. */
async function partitionsOf(log: EventLog): Promise<number | undefined> {
  return (await log.topics()).find(({ name }) => name === telemetryRaw.name)?.partitions
}

/** For commands beside a running millrace, and while it is stopped. */
export function storesOf(settings: Settings): Stores {
  const { logDir: directory, kafka } = settings
  const reading: Stores['reading'] = (work) => {
    const opened = kafka === null ? createEmbeddedLog({ directory, readOnly: true }) : createKafkaLog(kafka)
    return closing(opened, work)
  }
  return {
    reading,
    async alone(work) {
      if (kafka !== null) return aloneOnKafka(kafka, settings, work)
      // Opening a log to write makes one where there is none: looking first refuses.
      await reading(async () => {})
      return closing(createEmbeddedLog({ directory }), (log) =>
        closing(createSqliteStateStore(settings.stateFile), (states) => work(log, states)),
      )
    },
  }
}

/** No lock says that nobody else works on Kafka; the processes that do say so themselves. */
function aloneOnKafka<T>(
  kafka: KafkaSettings,
  { postgresUrl: url, dataDir }: Settings,
  work: (log: Log, states: StateStore) => Promise<T>,
): Promise<T> {
  const warn = (message: string) => void process.stderr.write(`${message}\n`)
  return closing(createKafkaLog(kafka), (log) =>
    closing(openPostgres({ url, directory: join(dataDir, 'postgres'), warn }), async ({ database }) => {
      const workers = await liveWorkers(database, log.id)
      if (workers.length > 0) throw new OperatorError(`millrace works on this log: stop ${workers.join(', ')} first`)
      return work(log, createPostgresStateStore(database))
    }),
  )
}

async function closing<Resource extends { close(): Promise<void> }, T>(
  opening: Resource | Promise<Resource>,
  work: (resource: Resource) => Promise<T>,
): Promise<T> {
  const resource = await opening
  try {
    return await work(resource)
  } finally {
    await resource.close()
  }
}
