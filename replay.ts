/** Replays as this process has them: put together for `main.ts`. What runs in their own process: `replay_child.ts`. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { EventLog } from '#pipeline/log/log.ts'
import type { Database } from '#pipeline/postgres/database.ts'
import type { Topology } from '#pipeline/topology/topology.ts'
import type { Replays } from '#schemas/replays.ts'
import { telemetryEvents } from '#schemas/topics.ts'
import type { Retention } from '#sinks/lake/compaction/retention.ts'
import { openLakeStorage } from '#sinks/lake/generations/storage.ts'
import { generationStore, lakeGroup } from '#sinks/lake/paths.ts'
import type { LocalSettings, LogPlace } from '#sinks/lake/query/local_sources.ts'
import { TELEMETRY_PROJECTIONS } from '#sinks/postgres/telemetry_projections.ts'
import { createController } from '#sinks/replay/controller.ts'
import type { LiveLake } from '#sinks/replay/live_lake.ts'
import { createReplayProcess } from '#sinks/replay/replay_process.ts'
import { createReplays } from '#sinks/replay/replays.ts'
import type { ReplayChildSettings } from './replay_child.ts'
import { openRecordSource } from './replay_source.ts'
import type { Settings } from './settings.ts'

export interface ReplayOptions {
  readonly database: Database
  /** As the child connects to it. */
  readonly connection: ReplayChildSettings['connection']
  readonly log: EventLog
  readonly place: LogPlace
  readonly topology: Topology
  readonly live: LiveLake
  readonly settings: Pick<Settings, 'dataDir' | 'lake' | 'cache' | 'archive' | 'roles'>
  readonly retentions: () => readonly Retention[]
  readonly warn: (message: string) => void
}

/** To list and steer replays by; those that run, run in the process that writes the sinks. */
export async function openReplays(options: ReplayOptions): Promise<Replays & { close(): Promise<void> }> {
  const { database, log, topology, live, warn, settings } = options
  const { dataDir, lake, roles } = settings
  const archive = settings.archive?.store ?? null
  const cache = { ...settings.cache, directory: join(dataDir, 'replay/cache') }
  const storage = await openLakeStorage(lake, cache, database)
  const childSettings = (): ReplayChildSettings => ({
    ...{ log: options.place, archive, lake, cache, connection: options.connection },
    stateDir: join(dataDir, 'replay'),
    folder: process.cwd(),
    retentions: options.retentions(),
  })
  const controller = roles.has('lake')
    ? createController({
        ...{ database, log, live, warn, storage },
        projections: TELEMETRY_PROJECTIONS,
        topic: telemetryEvents.name,
        replay: (generation) =>
          createReplayProcess({
            module: new URL('./replay_child.ts', import.meta.url).href,
            settings: childSettings(),
            generation,
            warn,
          }),
      })
    : null
  const replays = createReplays({
    ...{ database, topology, log, live },
    source: await openRecordSource(log, archive),
    projections: TELEMETRY_PROJECTIONS,
    otherLogs: () => storage.otherLogs(live.generation, log.id),
  })
  return { ...replays, close: async () => controller?.close() }
}

/** What the query process reads from while this generation is the live one. Each has a cache of its own: two may be read at a time. */
export function lakeSources(
  { lake, cache }: Pick<Settings, 'lake' | 'cache'>,
  log: LogPlace,
  generation: number,
): LocalSettings {
  return {
    log,
    lake: generationStore(lake, generation),
    cache: { ...cache, directory: join(cache.directory, String(generation)) },
    lakeGroup: lakeGroup(generation),
  }
}

/** At a start nobody reads the caches of generations that are not the live one. */
export async function dropOtherCaches({ cache }: Pick<Settings, 'cache'>, generation: number): Promise<void> {
  const names = await readdir(cache.directory).catch(() => [])
  for (const name of names) {
    if (name !== String(generation)) await rm(join(cache.directory, name), { recursive: true, force: true })
  }
}
