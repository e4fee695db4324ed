/** Teams: users who have roles together, in any project. */
import { randomUUID } from 'node:crypto'
import type { Connection } from '#pipeline/postgres/database.ts'
import { ConflictError, NotFoundError } from './errors.ts'

export interface Team {
  readonly id: string
  readonly name: string
  readonly created_at: Date
  /** Of its members. */
  readonly users: readonly { readonly id: string; readonly email: string }[]
}

const SHOWN = `id, name, created_at, coalesce((
  select json_agg(json_build_object('id', u.id, 'email', u.email) order by u.email)
  from team_members m join users u on u.id = m.user_id where m.team_id = teams.id), '[]') as users`

/** @throws ConflictError where the name is taken */
export async function createTeam(connection: Connection, name: string): Promise<Team> {
  const [team] = await connection.query<Team>(
    `insert into teams (id, name) values ($1, $2) on conflict (name) do nothing returning ${SHOWN}`,
    [randomUUID(), name],
  )
  if (team === undefined) throw new ConflictError(`there is a team ${name} already`)
  return team
}

/** @throws NotFoundError */
export async function getTeam(connection: Connection, id: string): Promise<Team> {
  const [team] = await connection.query<Team>(`select ${SHOWN} from teams where id = $1`, [id])
  if (team === undefined) throw new NotFoundError('there is no such team')
  return team
}

/** In the order of their names. @param after the name of the last one already listed */
export function listTeams(
  connection: Connection,
  { after = '', limit = 100 }: { readonly after?: string; readonly limit?: number } = {},
): Promise<Team[]> {
  return connection.query<Team>(`select ${SHOWN} from teams where name > $1 order by name limit $2`, [after, limit])
}

/** Its roles end with it. @returns what it was @throws NotFoundError */
export async function deleteTeam(connection: Connection, id: string): Promise<Team> {
  const team = await getTeam(connection, id)
  await connection.query('delete from teams where id = $1', [id])
  return team
}

/** @returns before and after @throws NotFoundError where there is no such team or user */
export async function setInTeam(
  connection: Connection,
  { team, user, isIn }: { readonly team: string; readonly user: string; readonly isIn: boolean },
): Promise<{ readonly before: Team; readonly after: Team }> {
  const before = await getTeam(connection, team)
  const known = await connection.query('select 1 from users where id = $1', [user])
  if (known.length === 0) throw new NotFoundError('there is no such user')
  await connection.query(
    isIn
      ? 'insert into team_members (team_id, user_id) values ($1, $2) on conflict do nothing'
      : 'delete from team_members where team_id = $1 and user_id = $2',
    [team, user],
  )
  return { before, after: await getTeam(connection, team) }
}
