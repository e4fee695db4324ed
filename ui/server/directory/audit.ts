/** The audit log: who changed what, when, and what it was before. Written in the transaction of the change. */
import type { Connection, Transaction } from '#pipeline/postgres/database.ts'
import type { Caller } from '../api/caller.ts'

/** Who changes something; without a caller nobody asked: `system`. */
export type Actor =
  | Pick<Caller, 'kind' | 'id' | 'name'>
  | { readonly kind: 'system'; readonly id: string; readonly name: string }

export interface Change {
  /** What kind of thing was done to what: `key.create`, `user.disable` … */
  readonly action: string
  /** The id of what was changed. */
  readonly subject: string
  /** `null` for what is of no project: users, teams. */
  readonly projectId: string | null
  readonly before?: object | null
  readonly after?: object | null
}

export interface AuditEntry {
  readonly id: number
  readonly at: Date
  readonly actor_kind: string
  readonly actor_id: string
  readonly actor_name: string
  readonly project_id: string | null
  readonly action: string
  readonly subject: string
  readonly before: unknown
  readonly after: unknown
}

/** Names of what must never be in it, should somebody hand it in. */
const SECRET = /^(password|token|secret|sha256|key)$|_(token|secret|sha256)$|^scram/i

export async function audited(
  transaction: Transaction,
  actor: Actor,
  { action, subject, projectId, before = null, after = null }: Change,
): Promise<void> {
  await transaction.query(
    `insert into audit_log (actor_kind, actor_id, actor_name, project_id, action, subject, before, after)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [actor.kind, actor.id, actor.name, projectId, action, subject, shown(before), shown(after)],
  )
}

/** Newest first. @param projectId `null`: of all @param before the id of the last one already listed */
export function listAudit(
  connection: Connection,
  {
    projectId,
    before = null,
    limit,
  }: { readonly projectId: string | null; readonly before?: number | null; readonly limit: number },
): Promise<AuditEntry[]> {
  return connection.query<AuditEntry>(
    `select * from audit_log where ($1::uuid is null or project_id = $1) and ($2::bigint is null or id < $2)
     order by id desc limit $3`,
    [projectId, before, limit],
  )
}

function shown(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value, (name, part) => (SECRET.test(name) ? undefined : part))
}
