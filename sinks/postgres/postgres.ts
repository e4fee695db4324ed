/**
 * The PostgreSQL sink: projections of `telemetry.events.v1`, each batch in them exactly once. What a projection is:
 * `projection.ts`.
 */
import type { Database } from '#pipeline/postgres/database.ts'
import type { Sink } from '#pipeline/stage/sink.ts'
import { telemetryEvents } from '#schemas/topics.ts'
import { checkGeneration, prepareProjections } from './generations.ts'
import type { Projection } from './projection.ts'
import { readPositions, SINK } from './store.ts'
import { TELEMETRY_PROJECTIONS } from './telemetry_projections.ts'
import { POSTGRES_LIMITS, type PostgresLimits, PostgresWriter } from './writer.ts'

export interface PostgresSettings {
  /** Migrated (`schemas/postgres/`). */
  readonly database: Database
  readonly projections?: readonly Projection[]
  /** Which to write; without it, the live one, made where there is none. */
  readonly generation?: number
  readonly limits?: Partial<PostgresLimits>
  readonly warn?: (message: string) => void
}

/**
 * One that writes a certain generation has a name of its own, and so reads the topic from its beginning, beside the one
 * that writes the live generation.
 */
export function definePostgres(settings: PostgresSettings): Sink {
  const { generation } = settings
  const name = generation === undefined ? SINK : `${SINK}_${generation}`
  return {
    name,
    consumes: telemetryEvents,
    open: () => createPostgresWriter(settings),
    openGeneration: (generation) => createPostgresWriter({ ...settings, generation }),
  }
}

/**
 * @throws TransientError where PostgreSQL is away
 * @throws OperatorError where the generation's tables are another version's
 */
export async function createPostgresWriter(settings: PostgresSettings): Promise<PostgresWriter> {
  const { database, projections = TELEMETRY_PROJECTIONS, generation, limits, warn = () => {} } = settings
  if (generation !== undefined) await checkGeneration(database, projections, generation)
  const target = {
    generation: generation ?? (await prepareProjections(database, projections)),
    live: generation === undefined,
  }
  return new PostgresWriter({
    database,
    projections,
    target,
    positions: await readPositions(database, target.generation),
    limits: { ...POSTGRES_LIMITS, ...limits },
    warn,
  })
}
