/** `/v1/teams`: for admins of the instance. */
import { z } from 'zod'
import type { Database } from '#pipeline/postgres/database.ts'
import { audited } from '../directory/audit.ts'
import { createTeam, deleteTeam, getTeam, listTeams, setInTeam } from '../directory/teams.ts'
import { page, pageOf, pageQuery, readCursor, text, timestamp, uuid } from './fields.ts'
import { defineRoute, type Route } from './route.ts'

const teamSchema = z.object({
  id: uuid,
  name: z.string(),
  created_at: timestamp,
  users: z.array(z.object({ id: uuid, email: z.string() })),
})
export type TeamAnswer = z.output<typeof teamSchema>
const params = z.strictObject({ team: uuid })
const memberParams = params.extend({ user: uuid })

export function teamRoutes(database: Database): Route[] {
  const inTeam = (method: 'PUT' | 'DELETE', isIn: boolean, summary: string) =>
    defineRoute({
      method,
      path: '/v1/teams/:team/users/:user',
      summary,
      access: 'operator',
      params: memberParams,
      answers: { 200: teamSchema },
      async change({ caller, params }, transaction) {
        const change = await setInTeam(transaction, { ...params, isIn })
        await audited(transaction, caller, {
          action: 'team.update',
          subject: params.team,
          projectId: null,
          ...change,
        })
        return change.after
      },
    })
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/teams',
      summary: 'Teams and who is in them, by name.',
      access: 'operator',
      query: pageQuery.omit({ project: true }),
      answers: { 200: pageOf(teamSchema) },
      async handle({ query: { cursor, limit } }) {
        const after = readCursor(cursor, text(200))
        return page(await listTeams(database, { after, limit: limit + 1 }), limit, ({ name }) => name)
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/teams',
      summary: 'Makes a team.',
      access: 'operator',
      body: z.strictObject({ name: text(200).min(1) }),
      answers: { 201: teamSchema },
      async change({ caller, body: { name } }, transaction) {
        const after = await createTeam(transaction, name)
        await audited(transaction, caller, { action: 'team.create', subject: after.id, projectId: null, after })
        return after
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/teams/:team',
      summary: 'A team.',
      access: 'operator',
      params,
      answers: { 200: teamSchema },
      handle: ({ params: { team } }) => getTeam(database, team),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/teams/:team',
      summary: 'Ends a team and its roles.',
      access: 'operator',
      params,
      answers: { 204: null },
      async change({ caller, params: { team } }, transaction) {
        const before = await deleteTeam(transaction, team)
        await audited(transaction, caller, { action: 'team.delete', subject: team, projectId: null, before })
      },
    }),
    inTeam('PUT', true, 'Takes a user into the team.'),
    inTeam('DELETE', false, 'Takes a user out of the team.'),
  ]
}
