/**
 * API keys. A key itself is shown once and never stored: PostgreSQL has its SHA-256, and what SCRAM-SHA-256 (RFC 5802,
 * RFC 7677) needs to let it be a PostgreSQL password.
 */
import { createHmac, hash, pbkdf2Sync, randomBytes, randomInt } from 'node:crypto'
import type { Connection } from '#pipeline/postgres/database.ts'
import type { Scope } from '#schemas/directory.ts'
import { ConflictError, NotFoundError } from './errors.ts'

export const ALL_SCOPES: readonly Scope[] = ['ingest', 'read', 'admin']
/** All of them are in the memory of every process. */
export const MAX_KEYS = 100_000
/** RFC 7677's minimum: a key has 190 random bits, so that guessing it is no cheaper for few rounds. */
export const SCRAM_ITERATIONS = 4096

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const KEY_CHARACTERS = 32

/** A key as it may be shown. */
export interface StoredKey {
  readonly id: string
  readonly project_id: string
  /** What it is for, in its owner's words. */
  readonly name: string
  readonly scopes: readonly Scope[]
  /** Web origins whose pages may send with it; empty: no browser may. */
  readonly allowed_origins: readonly string[]
  readonly created_at: Date
  readonly revoked_at: Date | null
}

export interface NewKey {
  readonly projectId: string
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly allowedOrigins?: readonly string[]
}

const SHOWN = 'id, project_id, name, scopes, allowed_origins, created_at, revoked_at'

/** What finds a key again without being it: SHA-256. */
function keyHash(key: string): Buffer {
  return hash('sha256', key, 'buffer')
}

/**
 * Makes a key: the only place where it is given.
 * @throws NotFoundError where there is no such project, ConflictError where there are too many keys
 */
export async function createKey(
  connection: Connection,
  { projectId, name, scopes, allowedOrigins = [] }: NewKey,
): Promise<{ readonly key: string; readonly stored: StoredKey }> {
  const [project] = await connection.query<{ scram_salt: Buffer }>(
    'select scram_salt from projects where id = $1 and deleted_at is null',
    [projectId],
  )
  if (project === undefined) throw new NotFoundError('there is no such project')
  const [{ keys }] = await connection.query<{ keys: number }>(
    'select count(*) as keys from api_keys where revoked_at is null',
  )
  if (keys >= MAX_KEYS) throw new ConflictError(`there are ${MAX_KEYS} API keys already: revoke some`)
  const key = `mr_${Array.from({ length: KEY_CHARACTERS }, () => BASE62[randomInt(BASE62.length)]).join('')}`
  const { storedKey, serverKey } = scramKeys(key, project.scram_salt)
  const [stored] = await connection.query<StoredKey>(
    `insert into api_keys (id, project_id, name, scopes, allowed_origins, sha256, scram_iterations, scram_stored_key, scram_server_key)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning ${SHOWN}`,
    [
      `key_${randomBytes(6).toString('hex')}`,
      ...[projectId, name, scopes, allowedOrigins],
      ...[keyHash(key), SCRAM_ITERATIONS, storedKey, serverKey],
    ],
  )
  return { key, stored }
}

/**
 * Keys in force of a project, oldest first.
 * @param after id of the last one already listed
 */
export function listKeys(
  connection: Connection,
  projectId: string,
  { after = null, limit = 100 }: { readonly after?: string | null; readonly limit?: number } = {},
): Promise<StoredKey[]> {
  return connection.query<StoredKey>(
    `select ${SHOWN} from api_keys
     where project_id = $1 and revoked_at is null
       and ($2::text is null or (created_at, id) > (select created_at, id from api_keys where id = $2 and project_id = $1))
     order by created_at, id limit $3`,
    [projectId, after, limit],
  )
}

/** Ends a key, at once everywhere. @returns what it was @throws NotFoundError where the project has no such key in force */
export async function revokeKey(connection: Connection, projectId: string, keyId: string): Promise<StoredKey> {
  const [revoked] = await connection.query<StoredKey>(
    `update api_keys set revoked_at = now() where id = $1 and project_id = $2 and revoked_at is null returning ${SHOWN}`,
    [keyId, projectId],
  )
  if (revoked === undefined) throw new NotFoundError(`there is no API key with id ${keyId}`)
  return revoked
}

/** RFC 5802, section 3. Takes some milliseconds. */
export function scramKeys(key: string, salt: Uint8Array): { readonly storedKey: Buffer; readonly serverKey: Buffer } {
  const salted = pbkdf2Sync(key, salt, SCRAM_ITERATIONS, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  return {
    storedKey: hash('sha256', clientKey, 'buffer'),
    serverKey: createHmac('sha256', salted).update('Server Key').digest(),
  }
}
