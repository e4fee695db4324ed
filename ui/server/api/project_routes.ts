/** `/v1/projects`. */
import { z } from 'zod'
import type { Database } from '#pipeline/postgres/database.ts'
import { audited } from '../directory/audit.ts'
import { projectsOf } from '../directory/members.ts'
import { createProject, deleteProject, getProject, listProjects, updateProject } from '../directory/projects.ts'
import { page, pageOf, pageQuery, projectName, readCursor, timestamp } from './fields.ts'
import { defineRoute, type Route } from './route.ts'

const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER).nullable()
const settings = z.strictObject({
  name: projectName,
  retention_days: z.int().min(1).max(36_500).nullable().meta({ description: 'Days events are kept; null: for ever.' }),
  events_per_day: count.meta({ description: 'Events taken a day (UTC); null: without limit.' }),
  bytes_per_day: count.meta({ description: 'Uncompressed bytes of exports taken a day (UTC); null: without limit.' }),
})
const projectSchema = z.object({ id: z.uuid(), ...settings.shape, created_at: timestamp })
export type ProjectAnswer = z.output<typeof projectSchema>
/** The path's, by name or id: who may is decided on it. */
const params = z.strictObject({ project: z.string() })

export function projectRoutes(database: Database): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/projects',
      summary: 'The projects you may see, by name.',
      access: 'anyone signed in',
      query: pageQuery.omit({ project: true }),
      answers: { 200: pageOf(projectSchema) },
      async handle({ caller, query: { cursor, limit } }) {
        const after = readCursor(cursor, projectName)
        if (caller.operator) {
          return page(await listProjects(database, { after, limit: limit + 1 }), limit, ({ name }) => name)
        }
        if (caller.kind !== 'user') {
          const items = caller.role === null ? [] : [await getProject(database, caller.projectId)]
          return { items: after === undefined ? items : [], next: null }
        }
        const mine = (await projectsOf(database, caller.id)).filter(({ name }) => after === undefined || name > after)
        const rows = await Promise.all(mine.slice(0, limit + 1).map(({ id }) => getProject(database, id)))
        return page(rows, limit, ({ name }) => name)
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/projects',
      summary: 'Makes a project.',
      access: 'operator',
      body: settings.partial().required({ name: true }),
      answers: { 201: projectSchema },
      async change({ caller, body }, transaction) {
        const after = await createProject(transaction, body)
        await audited(transaction, caller, { action: 'project.create', subject: after.id, projectId: after.id, after })
        return after
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/projects/:project',
      summary: 'A project.',
      access: 'viewer',
      params,
      answers: { 200: projectSchema },
      handle: ({ caller }) => getProject(database, caller.projectId),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/v1/projects/:project',
      summary: 'Changes name, retention or limits.',
      access: 'admin',
      params,
      body: settings.partial(),
      answers: { 200: projectSchema },
      async change({ caller, body }, transaction) {
        const { projectId } = caller
        const change = await updateProject(transaction, projectId, body)
        await audited(transaction, caller, { action: 'project.update', subject: projectId, projectId, ...change })
        return change.after
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/projects/:project',
      summary: 'Ends a project and its keys. What is stored of it stays in the lake.',
      access: 'operator',
      params,
      answers: { 204: null },
      async change({ caller }, transaction) {
        const { projectId } = caller
        const before = await deleteProject(transaction, projectId)
        await audited(transaction, caller, { action: 'project.delete', subject: projectId, projectId, before })
      },
    }),
  ]
}
