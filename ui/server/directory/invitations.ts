/** Invitations into a project: a token, shown once and stored as its hash, lets who has it in as that address. */
import { hash, randomBytes, randomUUID } from 'node:crypto'
import type { Connection, Transaction } from '#pipeline/postgres/database.ts'
import { ROLES, type Role } from '../api/caller.ts'
import { ConflictError, NotFoundError } from './errors.ts'
import { setMember } from './members.ts'
import type { User } from './users.ts'

const INVITATION_DAYS = 7
/** Open ones of a project. */
const MAX_INVITATIONS = 1_000

/** An invitation as it may be shown. */
export interface Invitation {
  readonly id: string
  readonly project_id: string
  readonly email: string
  readonly role: Role
  readonly created_at: Date
  readonly created_by: string
  readonly expires_at: Date
}

const SHOWN = 'id, project_id, email, role, created_at, created_by, expires_at'
const OPEN = 'accepted_at is null and expires_at > now()'

/** @param createdBy for people @returns the token only here @throws ConflictError where too many are open */
export async function createInvitation(
  connection: Connection,
  invited: { readonly projectId: string; readonly email: string; readonly role: Role; readonly createdBy: string },
): Promise<{ readonly token: string; readonly invitation: Invitation }> {
  const { projectId, email, role, createdBy } = invited
  const [{ open }] = await connection.query<{ open: number }>(
    `select count(*) as open from invitations where project_id = $1 and ${OPEN}`,
    [projectId],
  )
  if (open >= MAX_INVITATIONS) throw new ConflictError(`${MAX_INVITATIONS} invitations are open already: revoke some`)
  const token = randomBytes(32).toString('base64url')
  const [invitation] = await connection.query<Invitation>(
    `insert into invitations (id, project_id, email, role, token_sha256, created_by, expires_at)
     values ($1, $2, $3, $4, $5, $6, now() + interval '${INVITATION_DAYS} days') returning ${SHOWN}`,
    [randomUUID(), projectId, email, role, sha256(token), createdBy],
  )
  return { token, invitation }
}

/** Open ones of a project, by id. @param after the id of the last one already listed */
export function listInvitations(
  connection: Connection,
  projectId: string,
  { after, limit = 100 }: { readonly after?: string; readonly limit?: number } = {},
): Promise<Invitation[]> {
  return connection.query<Invitation>(
    `select ${SHOWN} from invitations where project_id = $1 and ${OPEN} and ($2::uuid is null or id > $2)
     order by id limit $3`,
    [projectId, after ?? null, limit],
  )
}

/** @returns what it was @throws NotFoundError where the project has no such open invitation */
export async function revokeInvitation(connection: Connection, projectId: string, id: string): Promise<Invitation> {
  const [revoked] = await connection.query<Invitation>(
    `delete from invitations where id = $1 and project_id = $2 and ${OPEN} returning ${SHOWN}`,
    [id, projectId],
  )
  if (revoked === undefined) throw new NotFoundError('there is no such invitation')
  return revoked
}

/** Uses a token up. @returns `null` where it is not that of an open invitation into a project that is there */
export async function takeInvitation(transaction: Transaction, token: string): Promise<Invitation | null> {
  const [taken] = await transaction.query<Invitation>(
    `update invitations set accepted_at = now() where token_sha256 = $1 and ${OPEN}
       and project_id in (select id from projects where deleted_at is null) returning ${SHOWN}`,
    [sha256(token)],
  )
  return taken ?? null
}

/** All that are open to an address, for who has proved to have it. */
export function takeInvitationsOf(transaction: Transaction, email: string): Promise<Invitation[]> {
  return transaction.query<Invitation>(
    `update invitations set accepted_at = now() where email = $1 and ${OPEN}
       and project_id in (select id from projects where deleted_at is null) returning ${SHOWN}`,
    [email],
  )
}

/** Makes the user a member as invited; a higher role they have already stays. @returns the role before and now */
export async function acceptInvitation(
  transaction: Transaction,
  { project_id: projectId, role }: Invitation,
  user: User,
): Promise<{ readonly before: Role | null; readonly after: Role }> {
  const before = await setMember(transaction, projectId, { user: user.id }, role)
  if (before === null || ROLES.indexOf(before) <= ROLES.indexOf(role)) return { before, after: role }
  await setMember(transaction, projectId, { user: user.id }, before)
  return { before, after: before }
}

function sha256(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}
