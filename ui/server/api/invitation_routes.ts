/** `/v1/invitations`: into a project, by a token that is shown once. */
import { hash } from 'node:crypto'
import { z } from 'zod'
import type { Database, Transaction } from '#pipeline/postgres/database.ts'
import { audited } from '../directory/audit.ts'
import {
  acceptInvitation,
  createInvitation,
  type Invitation,
  listInvitations,
  revokeInvitation,
  takeInvitation,
} from '../directory/invitations.ts'
import { createUser, findUser, type User, userOfPassword } from '../directory/users.ts'
import {
  email,
  newPassword,
  page,
  pageOf,
  pageQuery,
  projectQuery,
  readCursor,
  role,
  text,
  timestamp,
  uuid,
} from './fields.ts'
import { ApiError } from './problem.ts'
import { defineRoute, type Route } from './route.ts'

const invitationSchema = z.object({
  id: uuid,
  email: z.string(),
  role,
  created_at: timestamp,
  created_by: z.string(),
  expires_at: timestamp,
})
export type InvitationAnswer = z.output<typeof invitationSchema>
const madeSchema = invitationSchema.extend({
  token: z.string().optional().meta({ description: 'To be given to the invited; shown this once.' }),
})

const NO_INVITATION = 'This invitation is used, revoked or over'
const NOT_YOURS =
  'There is an account of this address already: accept with its password, or sign in with the provider it is linked to'

export function invitationRoutes(database: Database): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/invitations',
      summary: 'Open invitations.',
      access: 'admin',
      query: pageQuery,
      answers: { 200: pageOf(invitationSchema) },
      async handle({ caller, query: { cursor, limit } }) {
        const after = readCursor(cursor, uuid)
        return page(
          await listInvitations(database, caller.projectId, { after, limit: limit + 1 }),
          limit,
          ({ id }) => id,
        )
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/invitations',
      summary: 'Invites somebody, for a week.',
      access: 'admin',
      query: projectQuery,
      body: z.strictObject({ email, role }),
      answers: { 201: madeSchema },
      shownOnce: ['token'],
      async change({ caller, body }, transaction) {
        const { projectId, name } = caller
        const made = await createInvitation(transaction, { projectId, ...body, createdBy: name })
        const { token, invitation: after } = made
        await audited(transaction, caller, { action: 'invitation.create', subject: after.id, projectId, after })
        return { ...after, token }
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/invitations/:invitation',
      summary: 'Revokes an invitation.',
      access: 'admin',
      params: z.strictObject({ invitation: uuid }),
      query: projectQuery,
      answers: { 204: null },
      async change({ caller, params: { invitation } }, transaction) {
        const { projectId } = caller
        const before = await revokeInvitation(transaction, projectId, invitation)
        await audited(transaction, caller, { action: 'invitation.revoke', subject: invitation, projectId, before })
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/invitations/accept',
      summary: 'Makes the invited a user with this password; who is one already proves it with theirs.',
      access: 'public',
      body: z.strictObject({ token: z.string().max(64), name: text(200).default(''), password: newPassword }),
      // It stands for one account, whose password may be what is guessed.
      attempt: ({ token }) => `invitation ${hash('sha256', token, 'base64')}`,
      answers: { 200: z.object({ email: z.string(), role }) },
      async change({ body: { token, name, password } }, transaction) {
        const invitation = await takeInvitation(transaction, token)
        if (invitation === null) throw new ApiError(401, '28000', NO_INVITATION)
        const user = await invitedUser(transaction, invitation, name, password)
        const { before, after } = await acceptInvitation(transaction, invitation, user)
        await audited(
          transaction,
          { kind: 'user', id: user.id, name: user.email },
          {
            action: 'invitation.accept',
            subject: invitation.id,
            projectId: invitation.project_id,
            before: before === null ? null : { role: before },
            after: { email: user.email, role: after },
          },
        )
        return { email: user.email, role: after }
      },
    }),
  ]
}

/**
 * The invitation says who is meant, not who has it: an admin of a project saw the token. It makes an account where there
 * is none, and gives nobody one that is there.
 */
async function invitedUser(
  transaction: Transaction,
  { email }: Invitation,
  name: string,
  password: string,
): Promise<User> {
  if ((await findUser(transaction, email)) === null) {
    const user = await createUser(transaction, { email, name, password })
    const { id } = user
    await audited(
      transaction,
      { kind: 'user', id, name: email },
      { action: 'user.create', subject: id, projectId: null, after: user },
    )
    return user
  }
  const user = await userOfPassword(transaction, email, password)
  if (user === null) throw new ApiError(401, '28P01', NOT_YOURS)
  return user
}
