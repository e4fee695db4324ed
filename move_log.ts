/** `millrace log move`: from the embedded log in the data folder to Kafka, with nothing lost. */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { OperatorError } from '#pipeline/errors/errors.ts'
import { createKafkaLog } from '#pipeline/log/kafka/kafka.ts'
import type { EventLog } from '#pipeline/log/log.ts'
import type { Logger } from '#pipeline/observability/logger.ts'
import type { Database } from '#pipeline/postgres/database.ts'
import { listGroups } from '#pipeline/runtime/groups.ts'
import { createPostgresStateStore } from '#pipeline/state/postgres.ts'
import { createSqliteStateStore } from '#pipeline/state/sqlite.ts'
import type { StateStore } from '#pipeline/state/state.ts'
import { telemetryRaw } from '#schemas/topics.ts'
import { telemetry } from '#topologies/telemetry.topology.ts'
import { configured } from './config.ts'
import { storesOf } from './log.ts'
import type { Millrace } from './main.ts'
import { openPostgres } from './postgres.ts'
import { rolesOf } from './roles.ts'
import type { Settings } from './settings.ts'

const POLL_MS = 500

export interface MoveOptions {
  readonly settings: Settings
  readonly start: (settings: Settings, logger: Logger) => Promise<Millrace>
  readonly logger: Logger
  /** Told how it goes on. */
  readonly say: (line: string) => void
}

/**
 * Lets everything that was received come to the lake and to PostgreSQL, then gives what stages remember, and where the
 * projections stand, to the log on Kafka. The embedded log stays as it is. Cut short, it is done again.
 * @param settings with Kafka: where to; the data folder's embedded log is where from
 * @throws OperatorError saying what is in the way
 */
export async function moveLog({ settings, start, logger, say }: MoveOptions): Promise<void> {
  const { kafka, logDir: directory } = settings
  if (kafka === null) {
    throw new OperatorError('where to? Set MILLRACE_LOG=kafka://… and MILLRACE_SCHEMA_REGISTRY_URL, and run this again')
  }
  const embedded: Settings = { ...settings, kafka: null }
  const { reading } = storesOf(embedded)
  // Refuses where there is no log in the folder.
  const from = await reading(async ({ id }) => id)
  const to = await createKafkaLog(kafka)
  try {
    await checkEmpty(to)
    const roles = rolesOf({ roles: 'stages,lake,ui' })
    await drain({
      settings: { ...embedded, partitions: undefined, roles, httpPort: 0 },
      start,
      logger,
      say,
    })
    const warn = (message: string) => logger.warn(message)
    const { postgresUrl: url, dataDir } = settings
    const postgres = await openPostgres({ url, directory: join(dataDir, 'postgres'), warn })
    try {
      await checkDeadLetters(postgres.database, from)
      const moved = await moveStates(embedded, to, createPostgresStateStore(postgres.database))
      // What the new log counts begins at its beginning.
      await postgres.database.query('delete from sink_positions where log = $1', [from])
      say(`the state of ${moved} partitions of stages was taken over`)
    } finally {
      await postgres.close()
    }
  } finally {
    await to.close()
  }
  say(
    `Everything that was received is stored. Start millrace with MILLRACE_LOG as it is set now. Nothing reads ${directory} any ` +
      'more: keep it for as long as you may want to replay from it, or delete it.',
  )
}

async function checkEmpty(log: EventLog): Promise<void> {
  const raw = (await log.topics()).find(({ name }) => name === telemetryRaw.name)
  if (raw === undefined || raw.bounds.every(({ end }) => end === 0)) return
  throw new OperatorError(
    'the log on Kafka has taken in data already: move to one that is new, with another prefix=… in MILLRACE_LOG and other topics',
  )
}

/** Runs all but the receiver until nothing is behind. */
async function drain({ settings, start, logger, say }: MoveOptions): Promise<void> {
  const millrace = await start(settings, logger)
  try {
    for (let before = -1; ; await delay(POLL_MS)) {
      const { records, stopped } = await millrace.behind()
      if (stopped.length > 0) throw new OperatorError(`it cannot come to its end: ${stopped.join('; ')}`)
      if (records !== before) say(`${records} records are on their way`)
      if (records === 0) break
      before = records
    }
  } finally {
    await millrace.close()
  }
  const groups = await storesOf(settings).reading(listGroups)
  const behind = groups.filter(({ lag }) => lag !== 0).map(({ group }) => group)
  if (behind.length === 0) return
  throw new OperatorError(
    `${[...new Set(behind)].join(', ')} has not read everything, and nothing reads for it any more: if that is right, run ` +
      'millrace groups reset for it',
  )
}

async function checkDeadLetters(database: Database, log: string): Promise<void> {
  const [{ events }] = await database.query<{ events: number | null }>(
    `select sum(events)::bigint as events from dead_letters where log = $1 and state = 'open'`,
    [log],
  )
  if (events === null || events === 0) return
  throw new OperatorError(
    `${events} dead letters are in the log and cannot come along: start millrace on it, requeue or discard them (millrace dlq), and run this again`,
  )
}

/** @returns how many there were */
async function moveStates(settings: Settings, to: EventLog, target: StateStore): Promise<number> {
  const source = createSqliteStateStore(settings.stateFile)
  try {
    const { stages } = await configured(telemetry, process.cwd())
    const topics = await storesOf(settings).reading((log) => log.topics())
    let moved = 0
    for (const { name, consumes } of stages) {
      const partitions = topics.find((topic) => topic.name === consumes.name)?.partitions ?? 0
      for (let partition = 0; partition < partitions; partition++) {
        const state = await source.load(name, consumes.name, partition)
        if (state === null) continue
        const position = { topic: consumes.name, partition, offset: 0, reached: {}, log: to.id }
        await target.save(name, { ...state, position }, 0)
        moved++
      }
    }
    return moved
  } finally {
    await source.close()
  }
}
