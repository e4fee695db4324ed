/** A PostgreSQL for the tests of the sink: migrated, and empty again for each of them. */
import { join } from 'node:path'
import type { Database } from '#pipeline/postgres/database.ts'
import { migrate } from '#pipeline/postgres/migrate.ts'
import { createTestPostgres, type TestPostgres } from '#pipeline/postgres/testing.ts'
import type { Projection } from '../projection.ts'

export interface ProjectionsDatabase extends TestPostgres {
  /** Drops all generations; what people wrote stays. */
  clear(): Promise<void>
}

export async function createProjectionsDatabase(): Promise<ProjectionsDatabase> {
  const postgres = await createTestPostgres()
  const { database } = postgres
  // Processes die in these tests, the server does not.
  await database.query('alter database millrace set synchronous_commit = off')
  await migrate(database, join(import.meta.dirname, '../../../schemas/postgres'))
  return {
    ...postgres,
    async clear() {
      const tables = await database.query<{ name: string }>(
        `select tablename as name from pg_tables where schemaname = 'millrace' and tablename ~ '_g[0-9]+$'`,
      )
      for (const { name } of tables) await database.query(`drop table ${name} cascade`)
      await database.query('delete from generations')
    },
  }
}

/** As if nothing had ever been written to the generation. Cheaper than making another. */
export async function emptyGeneration(
  database: Database,
  projections: readonly Projection[],
  generation: number,
): Promise<void> {
  for (const { name } of projections) await database.query(`delete from ${name}_g${generation}`)
  await database.query('delete from sink_positions where generation = $1', [generation])
}

/** Rows of a projection's table in a generation, or the live one, in the order of its key. */
export async function rowsOf(database: Database, { name, key }: Projection, generation?: number): Promise<object[]> {
  const [live] = await database.query<{ generation: number }>('select generation from generations where live')
  return database.query(`select * from ${name}_g${generation ?? live.generation} order by ${key.join(', ')}`)
}
