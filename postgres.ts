/** PostgreSQL, embedded or given: connected, and brought to the shape this version needs. */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { TransientError } from '#pipeline/errors/errors.ts'
import { createDatabase, type Database, type DatabaseOptions } from '#pipeline/postgres/database.ts'
import { createEmbeddedPostgres } from '#pipeline/postgres/embedded_postgres.ts'
import { migrate } from '#pipeline/postgres/migrate.ts'

const MIGRATIONS = join(import.meta.dirname, 'schemas/postgres')
const RETRY_MS = 2_000

export interface Postgres {
  /** Away until it is migrated: nobody meets tables of another version. */
  readonly database: Database
  /** For processes of ours that connect by themselves. */
  readonly connection: DatabaseOptions['connection']
  /** Whether it answered at the start; where not, it is migrated as soon as it does. */
  readonly reachable: boolean
  close(): Promise<void>
}

/**
 * @param options `url` of a server of one's own, or the folder for one of ours
 * @throws OperatorError where it cannot be used as it is; a server that does not answer is waited for in the background
 */
export async function openPostgres(options: {
  readonly url: string | undefined
  readonly directory: string
  readonly warn: (message: string) => void
}): Promise<Postgres> {
  const { url, directory, warn } = options
  const server = url === undefined ? await createEmbeddedPostgres({ directory, warn }) : null
  const connection = url ?? server!.connection
  const database = createDatabase({ connection, warn })
  const closing = new AbortController()
  let migrated = false
  const close = async () => {
    closing.abort()
    await database.close()
    await server?.close()
  }
  try {
    await migrate(database, MIGRATIONS)
    return { database, connection, reachable: true, close }
  } catch (error) {
    if (server !== null || !(error instanceof TransientError)) {
      await close()
      throw error
    }
    warn(`${error.message}; trying again`)
    void migrateLater()
    return { database: onceMigrated(database, () => migrated), connection, reachable: false, close }
  }

  async function migrateLater(): Promise<void> {
    while (!closing.signal.aborted) {
      await delay(RETRY_MS, undefined, { signal: closing.signal }).catch(() => {})
      const done = await migrate(database, MIGRATIONS).then(
        () => true,
        (error: Error) => {
          if (!(error instanceof TransientError)) warn(error.message)
          return false
        },
      )
      migrated = done
      if (done) return
    }
  }
}

function onceMigrated(database: Database, isMigrated: () => boolean): Database {
  const check = () => {
    if (!isMigrated()) throw new TransientError('PostgreSQL is not there yet, or not brought to this version')
  }
  return {
    ...database,
    async query(sql, params) {
      check()
      return database.query(sql, params)
    },
    async transaction(work) {
      check()
      return database.transaction(work)
    },
  }
}
