/** What people write about a service: who owns it, what it is for. Kept beside the projections; replays do not touch it. */
import type { Connection } from '#pipeline/postgres/database.ts'
import { ConflictError } from './errors.ts'

/** Of a project: notes may be written before a service is seen. */
const MAX_NOTES = 10_000

export interface ServiceName {
  /** Empty for none. */
  readonly namespace: string
  readonly name: string
}

export interface ServiceNotes {
  readonly owner: string | null
  readonly description: string | null
}

/** @returns before (`null` for none) and after @throws ConflictError where the project has too many */
export async function setServiceNotes(
  connection: Connection,
  projectId: string,
  { namespace, name }: ServiceName,
  { owner, description }: ServiceNotes,
): Promise<{ readonly before: ServiceNotes | null; readonly after: ServiceNotes }> {
  const of = [projectId, namespace, name]
  const [before = null] = await connection.query<ServiceNotes>(
    `select owner, description from service_notes
     where project_id = $1 and service_namespace = $2 and service_name = $3`,
    of,
  )
  if (before === null) {
    const [{ notes }] = await connection.query<{ notes: number }>(
      'select count(*) as notes from service_notes where project_id = $1',
      [projectId],
    )
    if (notes >= MAX_NOTES) throw new ConflictError(`there are notes about ${MAX_NOTES} services already`)
  }
  const [after] = await connection.query<ServiceNotes>(
    `insert into service_notes (project_id, service_namespace, service_name, owner, description)
     values ($1, $2, $3, $4, $5)
     on conflict (project_id, service_namespace, service_name)
       do update set owner = $4, description = $5, updated_at = now()
     returning owner, description`,
    [...of, owner, description],
  )
  return { before, after }
}
