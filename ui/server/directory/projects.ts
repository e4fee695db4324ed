/** Projects: what data is stored under, and who may do how much there. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Connection } from '#pipeline/postgres/database.ts'
import { ConflictError, NotFoundError } from './errors.ts'

export const DEFAULT_PROJECT = 'default'
/** All of them are in the memory of every process. */
export const MAX_PROJECTS = 10_000
/** A user's name for psql, a folder's name for nobody: names are for people, data is stored under the id. */
export const PROJECT_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/

export interface Project {
  readonly id: string
  readonly name: string
  readonly created_at: Date
  /** Days that stored events are kept; `null`: for ever. */
  readonly retention_days: number | null
  /** What is taken a day (UTC), events and uncompressed bytes of exports; `null`: without limit. */
  readonly events_per_day: number | null
  readonly bytes_per_day: number | null
}

export type ProjectSettings = Partial<Omit<Project, 'id' | 'created_at'>>

const SHOWN = 'id, name, created_at, retention_days, events_per_day, bytes_per_day'

/** @throws ConflictError where the name is taken or there are too many */
export async function createProject(
  connection: Connection,
  settings: ProjectSettings & { name: string },
): Promise<Project> {
  const { name, retention_days = null, events_per_day = null, bytes_per_day = null } = settings
  const [{ projects }] = await connection.query<{ projects: number }>(
    'select count(*) as projects from projects where deleted_at is null',
  )
  if (projects >= MAX_PROJECTS) throw new ConflictError(`there are ${MAX_PROJECTS} projects already: delete some`)
  const [made] = await nameTaken(name, () =>
    connection.query<Project>(
      `insert into projects (id, name, scram_salt, retention_days, events_per_day, bytes_per_day)
       values ($1, $2, $3, $4, $5, $6) returning ${SHOWN}`,
      [randomUUID(), name, randomBytes(16), retention_days, events_per_day, bytes_per_day],
    ),
  )
  return made
}

/** @param id a UUID @throws NotFoundError */
export async function getProject(connection: Connection, id: string): Promise<Project> {
  const [project] = await connection.query<Project>(
    `select ${SHOWN} from projects where id = $1 and deleted_at is null`,
    [id],
  )
  if (project === undefined) throw new NotFoundError('there is no such project')
  return project
}

/** In the order of their names. @param after the name of the last one already listed */
export function listProjects(
  connection: Connection,
  { after = '', limit = 100 }: { readonly after?: string; readonly limit?: number } = {},
): Promise<Project[]> {
  return connection.query<Project>(
    `select ${SHOWN} from projects where deleted_at is null and name > $1 order by name limit $2`,
    [after, limit],
  )
}

/** Changes what `settings` has. @returns before and after @throws NotFoundError, ConflictError where the name is taken */
export async function updateProject(
  connection: Connection,
  id: string,
  settings: ProjectSettings,
): Promise<{ readonly before: Project; readonly after: Project }> {
  const before = await getProject(connection, id)
  if (before.name === DEFAULT_PROJECT && (settings.name ?? DEFAULT_PROJECT) !== DEFAULT_PROJECT) {
    throw new ConflictError(
      `the project ${DEFAULT_PROJECT} keeps its name: whoever administers it administers the instance`,
    )
  }
  const next = { ...before, ...settings }
  const [after] = await nameTaken(next.name, () =>
    connection.query<Project>(
      `update projects set name = $2, retention_days = $3, events_per_day = $4, bytes_per_day = $5
       where id = $1 returning ${SHOWN}`,
      [id, next.name, next.retention_days, next.events_per_day, next.bytes_per_day],
    ),
  )
  return { before, after }
}

/**
 * Ends a project: its keys work no more and its name is free. Stored events stay in the lake's folder of its id.
 * @throws NotFoundError, ConflictError for the project `default`
 */
export async function deleteProject(connection: Connection, id: string): Promise<Project> {
  const project = await getProject(connection, id)
  if (project.name === DEFAULT_PROJECT) throw new ConflictError(`the project ${DEFAULT_PROJECT} cannot be deleted`)
  await connection.query('update api_keys set revoked_at = now() where project_id = $1 and revoked_at is null', [id])
  await connection.query('delete from members where project_id = $1', [id])
  await connection.query('update projects set deleted_at = now() where id = $1', [id])
  return project
}

async function nameTaken<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if ((error as { constraint?: string }).constraint !== 'projects_name') throw error
    throw new ConflictError(`there is a project ${name} already`, { cause: error })
  }
}
