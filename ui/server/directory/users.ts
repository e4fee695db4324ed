/** People. Who they are is an e-mail address; what they may is in `members.ts`. */
import { randomUUID } from 'node:crypto'
import type { Connection } from '#pipeline/postgres/database.ts'
import { ConflictError, NotFoundError } from './errors.ts'
import { hashPassword, passwordFits } from './passwords.ts'

/** A user as one may be shown. */
export interface User {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly created_at: Date
  readonly disabled_at: Date | null
}

const SHOWN = 'id, email, name, created_at, disabled_at'

/** @param email in lower case @param password `null`: signs in elsewhere only @throws ConflictError where there is one of that e-mail */
export async function createUser(
  connection: Connection,
  { email, name = '', password }: { readonly email: string; readonly name?: string; readonly password: string | null },
): Promise<User> {
  const [made] = await connection.query<User>(
    `insert into users (id, email, name, password) values ($1, $2, $3, $4) on conflict (email) do nothing returning ${SHOWN}`,
    [randomUUID(), email, name, password === null ? null : await hashPassword(password)],
  )
  if (made === undefined) throw new ConflictError(`there is a user ${email} already`)
  return made
}

/** In the order of their addresses. @param after the address of the last one already listed */
export function listUsers(
  connection: Connection,
  { after = '', limit = 100 }: { readonly after?: string; readonly limit?: number } = {},
): Promise<User[]> {
  return connection.query<User>(`select ${SHOWN} from users where email > $1 order by email limit $2`, [after, limit])
}

/** @throws NotFoundError */
export async function getUser(connection: Connection, id: string): Promise<User> {
  const [user] = await connection.query<User>(`select ${SHOWN} from users where id = $1`, [id])
  if (user === undefined) throw new NotFoundError('there is no such user')
  return user
}

export async function findUser(connection: Connection, email: string): Promise<User | null> {
  const [user] = await connection.query<User>(`select ${SHOWN} from users where email = $1`, [email])
  return user ?? null
}

/**
 * Changes name, or whether the user may sign in; one who may not is signed out everywhere.
 * @returns before and after @throws NotFoundError
 */
export async function updateUser(
  connection: Connection,
  id: string,
  { name, disabled }: { readonly name?: string; readonly disabled?: boolean },
): Promise<{ readonly before: User; readonly after: User }> {
  const before = await getUser(connection, id)
  const [after] = await connection.query<User>(
    `update users set name = coalesce($2, name),
       disabled_at = case when $3::boolean is null then disabled_at when $3 then coalesce(disabled_at, now()) end
     where id = $1 returning ${SHOWN}`,
    [id, name ?? null, disabled ?? null],
  )
  if (after.disabled_at !== null) await connection.query('delete from sessions where user_id = $1', [id])
  return { before, after }
}

/** Ends the user's sessions, too. @param password `null` takes it away @throws NotFoundError */
export async function setPassword(connection: Connection, id: string, password: string | null): Promise<User> {
  const [user] = await connection.query<User>(`update users set password = $2 where id = $1 returning ${SHOWN}`, [
    id,
    password === null ? null : await hashPassword(password),
  ])
  if (user === undefined) throw new NotFoundError('there is no such user')
  await connection.query('delete from sessions where user_id = $1', [id])
  return user
}

/** Whether the user can sign in with one at all. */
export async function hasPassword(connection: Connection, id: string): Promise<boolean> {
  return (await connection.query('select 1 from users where id = $1 and password is not null', [id])).length > 0
}

/** `null` where there is no such user, the password is another, or the user is disabled: all take as long. */
export async function userOfPassword(connection: Connection, email: string, password: string): Promise<User | null> {
  const [row] = await connection.query<User & { password: string | null }>(
    `select ${SHOWN}, password from users where email = $1`,
    [email],
  )
  const fits = await passwordFits(password, row?.password ?? null)
  if (!fits || row.disabled_at !== null) return null
  const { password: _, ...user } = row
  return user
}
