/** `/v1/members`: who has which role in a project. */
import { z } from 'zod'
import type { Database } from '#pipeline/postgres/database.ts'
import { audited } from '../directory/audit.ts'
import { type Holder, listMembers, removeMember, setMember } from '../directory/members.ts'
import { page, pageOf, pageQuery, projectQuery, readCursor, role, text, uuid } from './fields.ts'
import { defineRoute, type Route } from './route.ts'

const kind = z.enum(['user', 'team'])
const memberSchema = z.object({
  kind,
  id: uuid,
  name: z.string().meta({ description: "The user's e-mail, the team's name." }),
  role,
})
export type MemberAnswer = z.output<typeof memberSchema>
const params = z.strictObject({ kind, id: uuid })
const holderOf = ({ kind, id }: z.output<typeof params>): Holder => (kind === 'user' ? { user: id } : { team: id })

export function memberRoutes(database: Database): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/members',
      summary: 'Teams and users with a role in the project.',
      access: 'viewer',
      query: pageQuery,
      answers: { 200: pageOf(memberSchema) },
      async handle({ caller, query: { cursor, limit } }) {
        const after = readCursor(cursor, z.strictObject({ kind, name: text(254) }))
        const rows = await listMembers(database, caller.projectId, { after, limit: limit + 1 })
        return page(rows, limit, ({ kind, name }) => ({ kind, name }))
      },
    }),
    defineRoute({
      method: 'PUT',
      path: '/v1/members/:kind/:id',
      summary: 'Gives a user or a team a role in the project.',
      access: 'admin',
      params,
      query: projectQuery,
      body: z.strictObject({ role }),
      answers: { 204: null },
      async change({ caller, params, body: { role } }, transaction) {
        const { projectId } = caller
        const before = await setMember(transaction, projectId, holderOf(params), role)
        const change = { before: before === null ? null : { role: before }, after: { kind: params.kind, role } }
        await audited(transaction, caller, { action: 'member.set', subject: params.id, projectId, ...change })
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/members/:kind/:id',
      summary: 'Takes a user or a team out of the project, at once.',
      access: 'admin',
      params,
      query: projectQuery,
      answers: { 204: null },
      async change({ caller, params }, transaction) {
        const { projectId } = caller
        const role = await removeMember(transaction, projectId, holderOf(params))
        const before = { kind: params.kind, role }
        await audited(transaction, caller, { action: 'member.remove', subject: params.id, projectId, before })
      },
    }),
  ]
}
