/**
 * Projects and keys in force, in memory: asked for every request, so without I/O. Changes are applied one by one, in the
 * order of their versions; the whole is bounded by `MAX_KEYS` and `MAX_PROJECTS`.
 */
import { createHmac, hash } from 'node:crypto'
import type { Principal, ProjectLimits, ScramUser, ScramVerifier } from '#schemas/directory.ts'
import { SCRAM_ITERATIONS, scramKeys } from './keys.ts'
import { DEFAULT_PROJECT } from './projects.ts'

const SALT_BYTES = 16
/** Ours have 35 characters, `MILLRACE_API_KEY` may have more; hashing megabytes for a stranger is no service. */
const MAX_KEY_LENGTH = 1024

/** Columns of `projects` that count here. Binary values are base64: the same rows are kept in a file. */
export interface ProjectRow {
  readonly id: string
  readonly name: string
  readonly is_deleted: boolean
  readonly scram_salt: string
  readonly retention_days: number | null
  readonly events_per_day: number | null
  readonly bytes_per_day: number | null
  readonly version: number
}

/** Columns of `api_keys` that count here. */
export interface KeyRow {
  readonly id: string
  readonly project_id: string
  readonly scopes: Principal['scopes']
  readonly allowed_origins: readonly string[]
  readonly is_revoked: boolean
  readonly sha256: string
  readonly scram_iterations: number
  readonly scram_stored_key: string
  readonly scram_server_key: string
  readonly version: number
}

export interface Rows {
  readonly projects: readonly ProjectRow[]
  readonly keys: readonly KeyRow[]
}

export class Snapshot {
  /** The newest change applied; 0 where there is none. */
  version = 0
  readonly #projects = new Map<string, ProjectRow>()
  readonly #keys = new Map<string, KeyRow>()
  readonly #keyIds = new Map<string, Set<string>>()
  /** By hash of the key, base64. */
  readonly #principals = new Map<string, Principal>()
  readonly #apiKey: { readonly sha256: string; readonly value: string } | null
  readonly #scramSecret: Uint8Array
  /** Made when first asked for: a verifier of the key that is not stored takes milliseconds. */
  readonly #users = new Map<string, ScramUser>()

  /** @param apiKey one more key, of all scopes on project `default`, that is not stored */
  constructor(apiKey: string | undefined, scramSecret: Uint8Array) {
    this.#apiKey = apiKey === undefined ? null : { sha256: hash('sha256', apiKey, 'base64'), value: apiKey }
    this.#scramSecret = scramSecret
  }

  /** What is in force, to be kept. */
  rows(): Rows {
    return { projects: [...this.#projects.values()], keys: [...this.#keys.values()] }
  }

  apply({ projects, keys }: Rows): void {
    for (const row of projects) {
      this.version = Math.max(this.version, row.version)
      if (row.is_deleted) this.#projects.delete(row.id)
      else this.#projects.set(row.id, row)
      for (const keyId of this.#keyIds.get(row.id) ?? []) this.#index(this.#keys.get(keyId)!)
    }
    for (const row of keys) {
      this.version = Math.max(this.version, row.version)
      const ids = this.#keyIds.get(row.project_id) ?? new Set()
      this.#keyIds.set(row.project_id, ids)
      if (row.is_revoked) {
        ids.delete(row.id)
        this.#keys.delete(row.id)
        this.#principals.delete(row.sha256)
      } else {
        ids.add(row.id)
        this.#keys.set(row.id, row)
        this.#index(row)
      }
    }
    if (projects.length + keys.length > 0) this.#users.clear()
    this.#indexApiKey()
  }

  authenticate(key: string): Principal | null {
    if (key.length > MAX_KEY_LENGTH) return null
    // Found by its hash: how long that takes says nothing about the key.
    return this.#principals.get(hash('sha256', key, 'base64')) ?? null
  }

  project(nameOrId: string): ProjectLimits | null {
    const row = this.#projectRow(nameOrId)
    if (row === undefined) return null
    return limitsOf(row)
  }

  projects(): ProjectLimits[] {
    return Array.from(this.#projects.values(), limitsOf)
  }

  scramUser(user: string): ScramUser {
    const known = this.#users.get(user)
    if (known !== undefined) return known
    const row = this.#projectRow(user)
    if (row === undefined) {
      const salt = createHmac('sha256', this.#scramSecret).update(user).digest().subarray(0, SALT_BYTES)
      return { salt, iterations: SCRAM_ITERATIONS, verifiers: [] }
    }
    const made = {
      salt: Buffer.from(row.scram_salt, 'base64'),
      iterations: SCRAM_ITERATIONS,
      verifiers: this.#verifiers(row),
    }
    // As many as there are projects, twice: by name and by id.
    this.#users.set(user, made)
    return made
  }

  #verifiers({ id, scram_salt }: ProjectRow): ScramVerifier[] {
    const verifiers: ScramVerifier[] = [...(this.#keyIds.get(id) ?? [])].flatMap((keyId) => {
      const key = this.#keys.get(keyId)!
      const principal = this.#principals.get(key.sha256)
      // With other iterations the client would have made another proof.
      if (principal === undefined || key.scram_iterations !== SCRAM_ITERATIONS) return []
      const storedKey = Buffer.from(key.scram_stored_key, 'base64')
      return [{ principal, storedKey, serverKey: Buffer.from(key.scram_server_key, 'base64') }]
    })
    const extra = this.#apiKey === null ? undefined : this.#principals.get(this.#apiKey.sha256)
    if (this.#apiKey !== null && extra?.projectId === id) {
      verifiers.push({ principal: extra, ...scramKeys(this.#apiKey.value, Buffer.from(scram_salt, 'base64')) })
    }
    return verifiers
  }

  /** A project named like another's UUID does not stand in for it. */
  #projectRow(nameOrId: string): ProjectRow | undefined {
    return this.#projects.get(nameOrId) ?? [...this.#projects.values()].find(({ name }) => name === nameOrId)
  }

  #index({ id: keyId, project_id: projectId, scopes, allowed_origins: allowedOrigins, sha256 }: KeyRow): void {
    const project = this.#projects.get(projectId)
    if (project === undefined) this.#principals.delete(sha256)
    else this.#principals.set(sha256, { projectId, projectName: project.name, keyId, scopes, allowedOrigins })
  }

  #indexApiKey(): void {
    const project = this.#projectRow(DEFAULT_PROJECT)
    if (this.#apiKey === null || project === undefined) return
    this.#principals.set(this.#apiKey.sha256, {
      projectId: project.id,
      projectName: project.name,
      keyId: 'MILLRACE_API_KEY',
      scopes: ['ingest', 'read', 'admin'],
      allowedOrigins: [],
    })
  }
}

function limitsOf({ id, name, retention_days, events_per_day, bytes_per_day }: ProjectRow): ProjectLimits {
  return { id, name, retentionDays: retention_days, eventsPerDay: events_per_day, bytesPerDay: bytes_per_day }
}
