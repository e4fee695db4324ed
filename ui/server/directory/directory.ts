/**
 * The directory in PostgreSQL, as the hot path sees it: a snapshot in memory that follows what is changed, by whichever
 * process. PostgreSQL may be away for a while, at the start too: then what was known last holds.
 */
import { randomBytes } from 'node:crypto'
import { OperatorError } from '#pipeline/errors/errors.ts'
import type { Database } from '#pipeline/postgres/database.ts'
import type { Directory, PasswordDirectory, ProjectDirectory, ProjectLimits } from '#schemas/directory.ts'
import { ALL_SCOPES, createKey } from './keys.ts'
import { createProject, DEFAULT_PROJECT } from './projects.ts'
import { type KeyRow, type ProjectRow, type Rows, Snapshot } from './snapshot.ts'
import { createSnapshotFileWriter, readSnapshotFile } from './snapshot_file.ts'

/** How long a change may go unnoticed where its notification was lost. */
const RECHECK_MS = 1_000

export interface StoredDirectoryOptions {
  readonly database: Database
  /** Keeps what was known last, for a start without PostgreSQL. */
  readonly file: string
  /** One more key, of all scopes on project `default`, that is not stored (`MILLRACE_API_KEY`). */
  readonly apiKey?: string | undefined
  readonly warn?: (message: string) => void
}

export interface StoredDirectory extends Directory, PasswordDirectory, ProjectDirectory {
  /** The key made because there was no project yet and no `apiKey`: to be shown once. `null` otherwise. */
  readonly firstKey: string | null
  readonly defaultProject: ProjectLimits
  projects(): readonly ProjectLimits[]
  /** Reads what is newer, now: after a change of one's own. @throws TransientError */
  refresh(): Promise<void>
  /** What is known is in the file then. */
  close(): Promise<void>
}

/**
 * @param reachable whether the database is migrated and answers; where not, the file must know something
 * @throws OperatorError where neither does
 */
export async function createStoredDirectory(
  options: StoredDirectoryOptions,
  reachable: boolean,
): Promise<StoredDirectory> {
  const { database, file, apiKey, warn = () => {} } = options
  const kept = readSnapshotFile(file)
  if (!reachable && kept === null) {
    throw new OperatorError(
      'PostgreSQL does not answer, and nothing is known yet from an earlier run: see MILLRACE_POSTGRES_URL',
    )
  }
  const firstKey = reachable ? await initialize(database, apiKey === undefined) : null
  const secret = reachable ? await scramSecret(database) : Buffer.from(kept!.scram_secret, 'base64')
  const snapshot = new Snapshot(apiKey, secret)
  if (!reachable) snapshot.apply(kept!)

  const keeper = createSnapshotFileWriter(
    file,
    () => ({ scram_secret: secret.toString('base64'), ...snapshot.rows() }),
    (error) => warn(`the directory is not kept for a start without PostgreSQL: ${error.message}`),
  )
  let refreshing: Promise<void> | null = null
  const refresh = (): Promise<void> => {
    refreshing ??= readChanges(database, snapshot.version)
      .then((rows) => {
        if (rows.projects.length + rows.keys.length === 0) return
        snapshot.apply(rows)
        keeper.changed()
      })
      .finally(() => {
        refreshing = null
      })
    return refreshing
  }
  let isAway = false
  const refreshQuietly = () =>
    refresh().then(
      () => {
        isAway = false
      },
      (error: Error) => {
        if (!isAway) warn(`the directory is not up to date: ${error.message}`)
        isAway = true
      },
    )
  if (reachable) await refresh()
  const stopListening = database.listen('directory_changed', () => void refreshQuietly())
  const timer = setInterval(() => void refreshQuietly(), RECHECK_MS)
  return {
    firstKey,
    get defaultProject() {
      return snapshot.project(DEFAULT_PROJECT)!
    },
    authenticate: (key) => snapshot.authenticate(key),
    project: (nameOrId) => snapshot.project(nameOrId),
    projects: () => snapshot.projects(),
    scramUser: (user) => snapshot.scramUser(user),
    // What is being read may be older than the change.
    refresh: () => (refreshing ?? Promise.resolve()).catch(() => {}).then(refresh),
    async close() {
      clearInterval(timer)
      stopListening()
      await keeper.close()
    },
  }
}

/** The project `default`, and its key, where there is none yet. */
function initialize(database: Database, withKey: boolean): Promise<string | null> {
  return database.transaction(async (transaction) => {
    // Processes that start together: the second sees what the first has made.
    await transaction.query('lock table projects in exclusive mode')
    const known = await transaction.query('select 1 from projects limit 1')
    if (known.length > 0) return null
    const project = await createProject(transaction, { name: DEFAULT_PROJECT })
    if (!withKey) return null
    const made = await createKey(transaction, { projectId: project.id, name: 'first key', scopes: ALL_SCOPES })
    return made.key
  })
}

/** 32 bytes that salts of users who do not exist are made of. */
async function scramSecret(database: Database): Promise<Buffer> {
  await database.query(`insert into settings values ('scram_secret', to_jsonb($1::text)) on conflict do nothing`, [
    randomBytes(32).toString('base64'),
  ])
  const [{ value }] = await database.query<{ value: string }>(`select value from settings where name = 'scram_secret'`)
  return Buffer.from(value, 'base64')
}

async function readChanges(database: Database, version: number): Promise<Rows> {
  const binary = (column: string) => `encode(${column}, 'base64') as ${column}`
  // One statement, one snapshot: a key never comes without its project.
  const [rows] = await database.query<{ projects: ProjectRow[] | null; keys: KeyRow[] | null }>(
    `select
      (select json_agg(each) from (
        select id, name, deleted_at is not null as is_deleted, ${binary('scram_salt')},
          retention_days, events_per_day, bytes_per_day, version
        from projects where version > $1 and (deleted_at is null or $1 > 0)) each) as projects,
      (select json_agg(each) from (
        select id, project_id, scopes, allowed_origins, revoked_at is not null as is_revoked, ${binary('sha256')},
          scram_iterations, ${binary('scram_stored_key')}, ${binary('scram_server_key')}, version
        from api_keys where version > $1 and (revoked_at is null or $1 > 0)) each) as keys`,
    [version],
  )
  return { projects: rows.projects ?? [], keys: rows.keys ?? [] }
}
