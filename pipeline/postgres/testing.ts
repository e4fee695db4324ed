/** A PostgreSQL of a test's own: real, empty, gone afterwards. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase, type Database } from './database.ts'
import { createEmbeddedPostgres, type EmbeddedPostgres } from './embedded_postgres.ts'

export interface TestPostgres {
  readonly server: EmbeddedPostgres
  readonly database: Database
  close(): Promise<void>
}

/** A dozen processes share one. */
const MAX_CONNECTIONS = 200

/** Takes two seconds: one for each file of tests. */
export async function createTestPostgres(): Promise<TestPostgres> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-postgres-'))
  const server = await createEmbeddedPostgres({ directory, maxConnections: MAX_CONNECTIONS })
  const database = createDatabase({ connection: server.connection })
  return {
    server,
    database,
    async close() {
      await database.close()
      await server.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
