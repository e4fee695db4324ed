/**
 * Browser sessions, in PostgreSQL: a random token in a cookie stands for a user or an API key. What a session means is
 * asked again at least every second, so that a revoked key, a disabled user or a lost membership ends it. While
 * PostgreSQL is away nothing of that can change, and sessions this process knows go on for {@link GRACE_MS}.
 */
import { hash, randomBytes } from 'node:crypto'
import { TransientError } from '#pipeline/errors/errors.ts'
import type { Connection } from '#pipeline/postgres/database.ts'
import type { Directory, Principal, ProjectDirectory, Scope } from '#schemas/directory.ts'
import { callerOfKey, type SessionReader } from '../api/access.ts'
import type { Caller, Role } from '../api/caller.ts'
import { operatorSql, standingSql } from './members.ts'
import { readSettings } from './settings.ts'

/** How long what a session means is taken as known. */
const FRESH_MS = 1_000
const GRACE_MS = 60_000
const MAX_CACHED = 10_000
/** Of one user or key; beyond it the oldest end. */
const MAX_SESSIONS_EACH = 100
const TOKEN = /^[\w-]{43}$/

export type SessionOf =
  | { readonly userId: string; readonly projectId: string }
  /** `key` is kept, in memory only, where it is not one of the stored ones: a restart ends such sessions. */
  | { readonly principal: Principal; readonly key: string }

export interface Sessions extends SessionReader {
  /** @returns the token for the cookie: 256 random bits, base64url */
  open(of: SessionOf): Promise<string>
  end(token: string): Promise<void>
  /** The project the session looks at: another than its own only for who may see it. */
  choose(token: string, projectId: string): Promise<void>
  /** What sessions mean has changed: asks again before the next answer. */
  forget(): void
  /** Of the cache. */
  readonly size: number
}

export interface SessionsOptions {
  readonly database: Connection
  readonly directory: Directory & Partial<ProjectDirectory>
  readonly maxCached?: number
  /** Monotonic milliseconds. */
  readonly now?: () => number
}

interface Known {
  caller: Caller | null
  /** When it was asked; -Infinity: is to be asked again. */
  freshAt: number
  readonly knownAt: number
  asking: Promise<Caller | null> | null
}

interface Unstored {
  readonly key: string
  readonly endsAt: number
  /** Looked at. */
  projectId: string
}

interface Row {
  readonly key_id: string | null
  readonly scopes: Scope[] | null
  readonly key_name: string | null
  readonly key_project_id: string | null
  readonly key_project_name: string | null
  readonly user_id: string | null
  readonly email: string | null
  readonly project_id: string
  readonly project_name: string
  readonly project_there?: boolean
  readonly role: Role | null
  readonly operator: boolean
}

export function createSessions({
  database,
  directory,
  maxCached = MAX_CACHED,
  now = () => performance.now(),
}: SessionsOptions): Sessions {
  const cache = new Map<string, Known>()
  const unstored = new Map<string, Unstored>()

  let generation = 0

  const remember = (id: string, caller: Caller | null, asked: number): Caller | null => {
    cache.delete(id)
    // What changed while it was asked may not be in the answer.
    const freshAt = asked === generation ? now() : Number.NEGATIVE_INFINITY
    cache.set(id, { caller, freshAt, knownAt: now(), asking: null })
    if (cache.size > maxCached) cache.delete(cache.keys().next().value!)
    return caller
  }
  /** After the change: what was being asked meanwhile is not taken as known. */
  const changed = (token: string) => {
    generation++
    cache.delete(idOf(token))
  }
  const ask = (id: string, asked = generation): Promise<Caller | null> =>
    readSession(database, id).then(
      (caller) => remember(id, caller, asked),
      (error: unknown) => {
        const known = cache.get(id)
        if (known === undefined) throw error
        known.asking = null
        if (!(error instanceof TransientError) || now() - known.knownAt > GRACE_MS) throw error
        // Not asked again for a second: the next request does not wait for PostgreSQL either.
        known.freshAt = now()
        return known.caller
      },
    )
  return {
    get size() {
      return cache.size
    },
    async open(of) {
      const token = randomBytes(32).toString('base64url')
      const seconds = (await readSettings(database)).session_hours * 3600
      const isStored = 'userId' in of || (await isStoredKey(database, of.principal.keyId))
      if (isStored) await writeSession(database, token, of, seconds)
      else remembered(unstored, token, of, now(), seconds)
      return token
    },
    async end(token) {
      unstored.delete(idOf(token))
      const ended = database.query('delete from sessions where token_sha256 = $1', [sha256(token)])
      await ended.finally(() => changed(token))
    },
    async choose(token, projectId) {
      const own = unstored.get(idOf(token))
      if (own !== undefined) own.projectId = projectId
      await database.query('update sessions set project_id = $2 where token_sha256 = $1', [sha256(token), projectId])
      changed(token)
    },
    forget() {
      generation++
      for (const known of cache.values()) Object.assign(known, { freshAt: Number.NEGATIVE_INFINITY, asking: null })
    },
    async callerOf(token) {
      if (!TOKEN.test(token)) return null
      const id = idOf(token)
      const own = unstored.get(id)
      if (own !== undefined) {
        const principal = own.endsAt > now() ? directory.authenticate(own.key) : null
        return principal === null ? null : lookingAt(callerOfKey(principal), directory.project?.(own.projectId))
      }
      const known = cache.get(id)
      if (known === undefined) return ask(id)
      if (now() - known.freshAt < FRESH_MS) return known.caller
      known.asking ??= ask(id)
      return known.asking
    },
    async userWithin(userId, project) {
      const [row] = await database.query<Row>(
        `select u.id as user_id, u.email, p.id as project_id, p.name as project_name,
           ${standingSql('u.id', 'p.id')} as role, ${operatorSql('u.id')} as operator
         from users u, projects p
         where u.id = $1 and u.disabled_at is null and p.deleted_at is null and (p.name = $2 or p.id::text = $2)
         order by p.id::text = $2 desc limit 1`,
        [userId, project],
      )
      return row === undefined || row.role === null ? null : callerOfRow(row)
    },
  }
}

async function isStoredKey(database: Connection, keyId: string): Promise<boolean> {
  return (await database.query('select 1 from api_keys where id = $1', [keyId])).length > 0
}

async function writeSession(database: Connection, token: string, of: SessionOf, seconds: number): Promise<void> {
  const [userId, keyId, projectId] =
    'userId' in of ? [of.userId, null, of.projectId] : [null, of.principal.keyId, of.principal.projectId]
  await database.query(
    `with over as (delete from sessions where expires_at < now()),
       oldest as (delete from sessions where token_sha256 in (
         select token_sha256 from sessions where user_id = $2 or key_id = $3 order by created_at desc offset ${MAX_SESSIONS_EACH - 1}))
     insert into sessions (token_sha256, user_id, key_id, project_id, expires_at)
     values ($1, $2, $3, $4, now() + make_interval(secs => $5))`,
    [sha256(token), userId, keyId, projectId, seconds],
  )
}

function remembered(sessions: Map<string, Unstored>, token: string, of: SessionOf, now: number, seconds: number): void {
  if (!('key' in of)) return
  const { projectId } = of.principal
  sessions.set(idOf(token), { key: of.key, endsAt: now + seconds * 1000, projectId })
  for (const [id, { endsAt }] of sessions) {
    if (endsAt > now && sessions.size <= MAX_SESSIONS_EACH) return
    sessions.delete(id)
  }
}

/** @param id of a session, as {@link idOf} gives it */
async function readSession(database: Connection, id: string): Promise<Caller | null> {
  const [row] = await database.query<Row>(
    `select s.user_id, s.key_id, k.scopes, k.name as key_name, k.project_id as key_project_id,
       kp.name as key_project_name, u.email, p.id as project_id, p.name as project_name,
       p.deleted_at is null as project_there, case when p.deleted_at is null then ${standingSql('u.id', 'p.id')} end as role, ${operatorSql('u.id')} as operator
     from sessions s
       left join api_keys k on k.id = s.key_id
       left join projects kp on kp.id = k.project_id
       left join users u on u.id = s.user_id
       join projects p on p.id = s.project_id
     where s.token_sha256 = $1 and s.expires_at > now() and k.revoked_at is null and u.disabled_at is null
       and (k.id is null or kp.deleted_at is null)`,
    [Buffer.from(id, 'base64')],
  )
  return row === undefined ? null : callerOfRow(row)
}

function callerOfRow(row: Row): Caller {
  const { project_id: projectId, project_name: projectName } = row
  if (row.key_id !== null && row.key_id !== undefined) {
    const own = { projectId: row.key_project_id!, projectName: row.key_project_name! }
    const caller = callerOfKey({ ...own, keyId: row.key_id, scopes: row.scopes! })
    return {
      ...lookingAt(caller, row.project_there ? { id: projectId, name: projectName } : null),
      name: row.key_name || row.key_id,
    }
  }
  const { user_id: id, email: name, role, operator } = row
  return { kind: 'user', id: id!, name: name!, projectId, projectName, role, operator }
}

/** A key that administers the instance may look at any project, others only at their own. */
function lookingAt(caller: Caller, project: { readonly id: string; readonly name: string } | null | undefined): Caller {
  if (!caller.operator || !project) return caller
  return { ...caller, projectId: project.id, projectName: project.name }
}

/** What a session is known by, here and in PostgreSQL: never the token itself. */
function idOf(token: string): string {
  return sha256(token).toString('base64')
}

function sha256(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}
