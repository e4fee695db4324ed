/** Who somebody is at an OpenID provider, and which user that makes them here. */
import type { Connection, Transaction } from '#pipeline/postgres/database.ts'
import { ApiError } from '../api/problem.ts'
import { audited } from './audit.ts'
import { acceptInvitation, takeInvitationsOf } from './invitations.ts'
import { createUser, findUser, getUser, setPassword, type User } from './users.ts'

/** What a provider says of who signed in there. */
export interface Identity {
  readonly issuer: string
  /** Stands for the person at that issuer, for ever; an address may pass to somebody else. */
  readonly subject: string
  /** In lower case; `null` where the provider does not say, or has not verified it. */
  readonly verifiedEmail: string | null
  readonly name: string
}

const NOBODY = 'Nobody here is known by this account: ask an admin for an invitation to its e-mail address'
const NO_EMAIL =
  'The provider does not say that the e-mail address of this account is verified, and nobody is linked to it'
const DISABLED = 'This user may not sign in any more'

/**
 * The user who is linked already; else the one of the verified address, invited or there, who is linked now.
 * @throws ApiError 403 for everybody else
 */
export async function userOfIdentity(transaction: Transaction, identity: Identity): Promise<User> {
  const { issuer, subject, verifiedEmail } = identity
  const linked = await linkedUser(transaction, identity)
  if (linked === null && verifiedEmail === null) throw new ApiError(403, '42501', NO_EMAIL)
  const user = linked ?? (await linkByEmail(transaction, identity, verifiedEmail!))
  if (user.disabled_at !== null) throw new ApiError(403, '42501', DISABLED)
  if (linked !== null) return user
  await transaction.query('insert into identities (issuer, subject, user_id) values ($1, $2, $3)', [
    ...[issuer, subject, user.id],
  ])
  const actor = { kind: 'user', id: user.id, name: user.email } as const
  const after = { issuer, subject }
  await audited(transaction, actor, { action: 'user.link', subject: user.id, projectId: null, after })
  for (const invitation of await takeInvitationsOf(transaction, user.email)) {
    const { before, after } = await acceptInvitation(transaction, invitation, user)
    await audited(transaction, actor, {
      action: 'invitation.accept',
      subject: invitation.id,
      projectId: invitation.project_id,
      before: before === null ? null : { role: before },
      after: { email: user.email, role: after },
    })
  }
  return user
}

async function linkedUser(connection: Connection, { issuer, subject }: Identity): Promise<User | null> {
  const [row] = await connection.query<{ user_id: string }>(
    'select user_id from identities where issuer = $1 and subject = $2',
    [issuer, subject],
  )
  return row === undefined ? null : getUser(connection, row.user_id)
}

async function linkByEmail(transaction: Transaction, { name }: Identity, email: string): Promise<User> {
  const user = await findUser(transaction, email)
  if (user === null) {
    const invited = await transaction.query(
      'select 1 from invitations where email = $1 and accepted_at is null and expires_at > now() limit 1',
      [email],
    )
    if (invited.length === 0) throw new ApiError(403, '42501', NOBODY)
    return createUser(transaction, { email, name, password: null })
  }
  // Whoever set a password before had not proved the address: it may have been another, waiting for its owner.
  return setPassword(transaction, user.id, null)
}
