/** What users may in a project: by themselves, or as one of a team. The highest role counts. */
import type { Connection } from '#pipeline/postgres/database.ts'
import type { Role } from '../api/caller.ts'
import { NotFoundError } from './errors.ts'
import { DEFAULT_PROJECT } from './projects.ts'

/** Who has a role. */
export type Holder = { readonly user: string } | { readonly team: string }

export interface Member {
  readonly kind: 'user' | 'team'
  /** Of the user or the team. */
  readonly id: string
  /** The user's e-mail, the team's name. */
  readonly name: string
  readonly role: Role
}

/** SQL: the role of a user in a project, through teams as well; null for none. @param user, project SQL of their ids */
function roleSql(user: string, project: string): string {
  return `(select m.role from members m where m.project_id = ${project}
    and (m.user_id = ${user} or m.team_id in (select t.team_id from team_members t where t.user_id = ${user}))
    order by array_position(array['admin', 'editor', 'viewer'], m.role) limit 1)`
}

/** SQL: whether a user administers the instance. */
export function operatorSql(user: string): string {
  const project = `(select id from projects where name = '${DEFAULT_PROJECT}' and deleted_at is null)`
  return `coalesce(${roleSql(user, project)} = 'admin', false)`
}

/** SQL: as {@link roleSql}; who administers the instance is admin of every project. */
export function standingSql(user: string, project: string): string {
  return `(case when ${operatorSql(user)} then 'admin' else ${roleSql(user, project)} end)`
}

/** Projects a user has a role in, by name. */
export function projectsOf(
  connection: Connection,
  userId: string,
): Promise<{ readonly id: string; readonly name: string; readonly role: Role }[]> {
  return connection.query(
    `select * from (select id, name, ${standingSql('$1', 'projects.id')} as role from projects where deleted_at is null) p
     where role is not null order by name limit 1000`,
    [userId],
  )
}

/** Teams, then users, by name. @param after the last one already listed */
export function listMembers(
  connection: Connection,
  projectId: string,
  { after, limit = 100 }: { readonly after?: Pick<Member, 'kind' | 'name'>; readonly limit?: number } = {},
): Promise<Member[]> {
  return connection.query<Member>(
    `select * from (
       select case when m.user_id is null then 'team' else 'user' end as kind,
         coalesce(u.id, t.id) as id, coalesce(u.email, t.name) as name, m.role
       from members m left join users u on u.id = m.user_id left join teams t on t.id = m.team_id
       where m.project_id = $1) each
     where (kind, name) > ($2, $3) order by kind, name limit $4`,
    [projectId, after?.kind ?? '', after?.name ?? '', limit],
  )
}

/** @returns the role before, `null` for none @throws NotFoundError where there is no such user or team */
export async function setMember(
  connection: Connection,
  projectId: string,
  holder: Holder,
  role: Role,
): Promise<Role | null> {
  const { column, table, id } = columns(holder)
  const known = await connection.query(`select 1 from ${table} where id = $1`, [id])
  if (known.length === 0) throw new NotFoundError(`there is no such ${column.replace('_id', '')}`)
  const before = await roleOf(connection, projectId, holder)
  await connection.query(
    `insert into members (project_id, ${column}, role) values ($1, $2, $3)
     on conflict (project_id, ${column}) where ${column} is not null do update set role = $3`,
    [projectId, id, role],
  )
  return before
}

/** @returns the role there was @throws NotFoundError where there was none */
export async function removeMember(connection: Connection, projectId: string, holder: Holder): Promise<Role> {
  const { column, id } = columns(holder)
  const [removed] = await connection.query<{ role: Role }>(
    `delete from members where project_id = $1 and ${column} = $2 returning role`,
    [projectId, id],
  )
  if (removed === undefined) throw new NotFoundError('there is no such member of the project')
  return removed.role
}

async function roleOf(connection: Connection, projectId: string, holder: Holder): Promise<Role | null> {
  const { column, id } = columns(holder)
  const [row] = await connection.query<{ role: Role }>(
    `select role from members where project_id = $1 and ${column} = $2`,
    [projectId, id],
  )
  return row?.role ?? null
}

function columns(holder: Holder) {
  return 'user' in holder
    ? ({ column: 'user_id', table: 'users', id: holder.user } as const)
    : ({ column: 'team_id', table: 'teams', id: holder.team } as const)
}
