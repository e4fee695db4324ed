/** The process that replays: the same stages and sinks as `main.ts` puts together, on the log as it is read beside its owner. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createDatabase, type DatabaseOptions } from '#pipeline/postgres/database.ts'
import { createSqliteStateStore } from '#pipeline/state/sqlite.ts'
import type { Retention } from '#sinks/lake/compaction/retention.ts'
import { openLakeStorage } from '#sinks/lake/generations/storage.ts'
import { defineLake } from '#sinks/lake/lake.ts'
import type { CacheSettings } from '#sinks/lake/query/lake_files.ts'
import { type LogPlace, openReadOnly } from '#sinks/lake/query/local_sources.ts'
import { definePostgres } from '#sinks/postgres/postgres.ts'
import { TELEMETRY_PROJECTIONS } from '#sinks/postgres/telemetry_projections.ts'
import { carryOverLake } from '#sinks/replay/carry_over_lake.ts'
import { compareGenerations } from '#sinks/replay/comparison.ts'
import { replayStates } from '#sinks/replay/states.ts'
import { serveReplay } from '#sinks/replay/worker.ts'
import type { StoreSettings } from '#sinks/store/open_store.ts'
import { telemetry } from '#topologies/telemetry.topology.ts'
import { configured } from './config.ts'
import { openRecordSource } from './replay_source.ts'

export interface ReplayChildSettings {
  readonly log: LogPlace
  /** What the log has no more; `null` without. */
  readonly archive: StoreSettings | null
  readonly lake: StoreSettings
  /** Where objects of a bucket go while they are compared. */
  readonly cache: CacheSettings
  /** Where stages that keep a state have it meanwhile. */
  readonly stateDir: string
  readonly connection: DatabaseOptions['connection']
  /** Where `millrace.config.ts` is looked for. */
  readonly folder: string
  /** Of projects that do not keep everything: what they do not keep any more is not kept again. */
  readonly retentions: readonly Retention[]
}

serveReplay(async (given) => {
  const settings = given as ReplayChildSettings
  const { stateDir, connection, folder, retentions } = settings
  const warn = (message: string) => console.error(message)
  const log = await openReadOnly(settings.log)
  const database = createDatabase({ connection, maxConnections: 4, warn })
  const storage = await openLakeStorage(settings.lake, settings.cache, database)
  const lake = defineLake({
    store: settings.lake,
    retentions: () => retentions,
    warn: (message, error) => warn(`${message}: ${error.message}`),
  })
  const topology = await configured(telemetry.withSinks([lake, definePostgres({ database, warn })]), folder)
  mkdirSync(stateDir, { recursive: true })
  const states = createSqliteStateStore(join(stateDir, 'states.db'))
  return {
    ...{ topology, database, source: await openRecordSource(log, settings.archive) },
    states: (generation) => replayStates(states, generation, log.id),
    carryOver: (generation, doing) => carryOverLake({ database, storage, log, topology, generation, doing }),
    compare: (generation, replay) =>
      compareGenerations({ database, log, storage, replay, generation, projections: TELEMETRY_PROJECTIONS }),
    async close() {
      await states.close()
      await database.close()
      await log.close()
    },
  }
})
