/** `/v1/audit`: who changed what. */
import { z } from 'zod'
import type { Database } from '#pipeline/postgres/database.ts'
import { listAudit } from '../directory/audit.ts'
import { page, pageOf, pageQuery, readCursor, timestamp, uuid } from './fields.ts'
import { defineRoute, type Route } from './route.ts'

const entrySchema = z.object({
  id: z.int(),
  at: timestamp,
  actor_kind: z.enum(['key', 'user', 'local', 'system']),
  actor_id: z.string(),
  actor_name: z.string(),
  project_id: uuid.nullable(),
  action: z.string().meta({ description: 'Like key.create.' }),
  subject: z.string().meta({ description: 'The id of what was changed.' }),
  before: z.unknown(),
  after: z.unknown(),
})

export type AuditAnswer = z.output<typeof entrySchema>

export function auditRoutes(database: Database): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/audit',
      summary: 'Changes, newest first: of the project; of everything to admins of the instance who name none.',
      access: 'admin',
      query: pageQuery,
      answers: { 200: pageOf(entrySchema) },
      async handle({ caller, query: { project, cursor, limit } }) {
        const projectId = caller.operator && project === undefined ? null : caller.projectId
        const before = readCursor(cursor, z.int())
        return page(await listAudit(database, { projectId, before, limit: limit + 1 }), limit, ({ id }) => id)
      },
    }),
  ]
}
