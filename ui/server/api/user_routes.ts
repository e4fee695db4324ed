/** `/v1/users`: who may sign in at all; for admins of the instance. */
import { z } from 'zod'
import type { Database } from '#pipeline/postgres/database.ts'
import { audited } from '../directory/audit.ts'
import { setMember } from '../directory/members.ts'
import { generatePassword } from '../directory/passwords.ts'
import { createUser, getUser, listUsers, setPassword, updateUser } from '../directory/users.ts'
import { email, page, pageOf, pageQuery, projectQuery, readCursor, role, text, timestamp, uuid } from './fields.ts'
import { defineRoute, type Route } from './route.ts'

const userSchema = z.object({
  id: uuid,
  email: z.string(),
  name: z.string(),
  created_at: timestamp,
  disabled_at: timestamp.nullable(),
})
export type UserAnswer = z.output<typeof userSchema>
const withPassword = userSchema.extend({
  password: z.string().optional().meta({ description: 'Made up, shown this once, to be changed by who gets it.' }),
})
const params = z.strictObject({ user: uuid })

export function userRoutes(database: Database): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/users',
      summary: 'Users, by e-mail address.',
      access: 'operator',
      query: pageQuery.omit({ project: true }),
      answers: { 200: pageOf(userSchema) },
      async handle({ query: { cursor, limit } }) {
        const after = readCursor(cursor, text(254))
        return page(await listUsers(database, { after, limit: limit + 1 }), limit, ({ email }) => email)
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/users',
      summary: 'Makes a user, with a password that is shown this once and a role in the project.',
      access: 'operator',
      query: projectQuery,
      body: z.strictObject({ email, name: text(200).default(''), role: role.nullable().default(null) }),
      answers: { 201: withPassword },
      shownOnce: ['password'],
      async change({ caller, body: { email, name, role } }, transaction) {
        const password = generatePassword()
        const user = await createUser(transaction, { email, name, password })
        await audited(transaction, caller, { action: 'user.create', subject: user.id, projectId: null, after: user })
        if (role !== null) {
          const { projectId } = caller
          await setMember(transaction, projectId, { user: user.id }, role)
          await audited(transaction, caller, {
            action: 'member.set',
            subject: user.id,
            projectId,
            after: { email, role },
          })
        }
        return { ...user, password }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/users/:user',
      summary: 'A user.',
      access: 'operator',
      params,
      answers: { 200: userSchema },
      handle: ({ params: { user } }) => getUser(database, user),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/v1/users/:user',
      summary: 'Changes the name; disables, which signs out everywhere at once, or lets in again.',
      access: 'operator',
      params,
      body: z.strictObject({ name: text(200), disabled: z.boolean() }).partial(),
      answers: { 200: userSchema },
      async change({ caller, params: { user }, body }, transaction) {
        const change = await updateUser(transaction, user, body)
        const action = body.disabled === undefined ? 'user.update' : body.disabled ? 'user.disable' : 'user.enable'
        await audited(transaction, caller, { action, subject: user, projectId: null, ...change })
        return change.after
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/users/:user/password',
      summary: 'Gives a user another password, shown this once, and ends their sessions.',
      access: 'operator',
      params,
      answers: { 200: withPassword },
      shownOnce: ['password'],
      async change({ caller, params: { user: id } }, transaction) {
        const password = generatePassword()
        const user = await setPassword(transaction, id, password)
        await audited(transaction, caller, { action: 'user.password', subject: id, projectId: null })
        return { ...user, password }
      },
    }),
  ]
}
