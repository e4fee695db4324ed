/**
 * `keys.json` in the data folder: projects and API keys. A key itself is shown once and never stored: the file has its
 * SHA-256, and what SCRAM-SHA-256 (RFC 5802, RFC 7677) needs to let it be a PostgreSQL password.
 */
import { createHmac, hash, pbkdf2Sync, randomBytes, randomInt, randomUUID } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { OperatorError } from '#pipeline/errors/errors.ts'
import type { Scope } from '#schemas/directory.ts'

export const KEY_FILE = 'keys.json'
export const DEFAULT_PROJECT = 'default'
export const ALL_SCOPES: readonly Scope[] = ['ingest', 'read', 'admin']

const LOCK_TIMEOUT_MS = 5000
/** A change takes milliseconds: a lock this old was left behind by a process that died. */
const STALE_LOCK_MS = 10_000
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const KEY_CHARACTERS = 32
/** RFC 7677's minimum: a key has 190 random bits, so that guessing it is no cheaper for few rounds. */
export const SCRAM_ITERATIONS = 4096

const projectSchema = z.strictObject({
  id: z.uuid(),
  name: z.string().min(1),
  created_at: z.iso.datetime(),
  /** Base64. */
  scram_salt: z.base64(),
})
const keySchema = z.strictObject({
  id: z.string().min(1),
  project_id: z.uuid(),
  /** What it is for, in its owner's words. */
  label: z.string(),
  scopes: z.array(z.enum(['ingest', 'read', 'admin'])).min(1),
  created_at: z.iso.datetime(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** StoredKey and ServerKey in base64. */
  scram: z.strictObject({ iterations: z.int(), stored_key: z.base64(), server_key: z.base64() }),
})
const contentSchema = z.strictObject({
  version: z.literal(1),
  /** 32 bytes in base64: salts of users that do not exist are made of it. */
  scram_secret: z.base64().optional(),
  projects: z.array(projectSchema),
  keys: z.array(keySchema),
})

export type KeyFileContent = z.infer<typeof contentSchema>
export type StoredKey = z.infer<typeof keySchema>
export type Project = z.infer<typeof projectSchema>

/** What finds a key again without being it: SHA-256, in hexadecimal. */
export function keyHash(key: string): string {
  return hash('sha256', key, 'hex')
}

/** @throws OperatorError where the file is not what we wrote; `null` where there is none */
export function readKeyFile(dataDir: string): KeyFileContent | null {
  const file = join(dataDir, KEY_FILE)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new OperatorError(`${file} cannot be read: ${(error as Error).message}`)
  }
  try {
    return contentSchema.parse(JSON.parse(text))
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message
    throw new OperatorError(
      `${file} is not a key file of ours: ${why}. Restore it from a backup, or move it away to start with new keys.`,
      { cause },
    )
  }
}

/**
 * Makes the file, with the project `default`, where there is none.
 * @param withKey whether the new project gets a key
 * @returns that key; `null` where none was made
 */
export function initializeKeyFile(dataDir: string, withKey: boolean): string | null {
  mkdirSync(dataDir, { recursive: true })
  let key: string | null = null
  change(dataDir, (content) => {
    content.scram_secret ??= randomBytes(32).toString('base64')
    if (content.projects.some(({ name }) => name === DEFAULT_PROJECT)) return
    const project = newProject(DEFAULT_PROJECT)
    content.projects.push(project)
    if (!withKey) return
    const made = newKey(project, 'first key', ALL_SCOPES)
    content.keys.push(made.stored)
    key = made.key
  })
  return key
}

/** Makes a key, and its project if there is none of that name. The key is returned only here. */
export function addKey(
  dataDir: string,
  options: { readonly project?: string; readonly label?: string; readonly scopes?: readonly Scope[] } = {},
): { readonly key: string; readonly stored: StoredKey } {
  const { project: name = DEFAULT_PROJECT, label = '', scopes = ALL_SCOPES } = options
  return change(dataDir, (content) => {
    let project = content.projects.find((each) => each.name === name)
    if (project === undefined) {
      project = newProject(name)
      content.projects.push(project)
    }
    const made = newKey(project, label, scopes)
    content.keys.push(made.stored)
    return made
  })
}

export function listKeys(dataDir: string): readonly (StoredKey & { readonly project: string })[] {
  const { projects, keys } = readKeyFile(dataDir) ?? { projects: [], keys: [] }
  const names = new Map(projects.map(({ id, name }) => [id, name]))
  return keys.map((key) => ({ ...key, project: names.get(key.project_id) ?? key.project_id }))
}

/** @throws OperatorError where there is no key of this id */
export function revokeKey(dataDir: string, keyId: string): void {
  change(dataDir, (content) => {
    const kept = content.keys.filter(({ id }) => id !== keyId)
    if (kept.length === content.keys.length) throw new OperatorError(`there is no API key with id ${keyId}`)
    content.keys = kept
  })
}

function newProject(name: string): Project {
  const scram_salt = randomBytes(16).toString('base64')
  return { id: randomUUID(), name, created_at: new Date().toISOString(), scram_salt }
}

function newKey(project: Project, label: string, scopes: readonly Scope[]): { key: string; stored: StoredKey } {
  const key = `mr_${Array.from({ length: KEY_CHARACTERS }, () => BASE62[randomInt(BASE62.length)]).join('')}`
  const stored: StoredKey = {
    id: `key_${randomBytes(6).toString('hex')}`,
    project_id: project.id,
    label,
    scopes: [...scopes],
    created_at: new Date().toISOString(),
    sha256: keyHash(key),
    scram: scramVerifier(key, project.scram_salt),
  }
  return { key, stored }
}

/** RFC 5802, section 3. @param salt in base64 */
export function scramVerifier(key: string, salt: string): StoredKey['scram'] {
  const salted = pbkdf2Sync(key, Buffer.from(salt, 'base64'), SCRAM_ITERATIONS, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  return {
    iterations: SCRAM_ITERATIONS,
    stored_key: hash('sha256', clientKey, 'base64'),
    server_key: createHmac('sha256', salted).update('Server Key').digest('base64'),
  }
}

/** Reads, changes and writes the file while no other process does. */
function change<T>(dataDir: string, edit: (content: KeyFileContent) => T): T {
  const lock = join(dataDir, `${KEY_FILE}.lock`)
  takeLock(lock)
  try {
    const content = readKeyFile(dataDir) ?? { version: 1, projects: [], keys: [] }
    const before = JSON.stringify(content)
    const result = edit(content)
    if (JSON.stringify(content) !== before) writeKeyFile(join(dataDir, KEY_FILE), content)
    return result
  } finally {
    rmSync(lock, { force: true })
  }
}

/** All or nothing, and on the disk when it returns; only the owner may read it. */
function writeKeyFile(file: string, content: KeyFileContent): void {
  const next = `${file}.${process.pid}.new`
  writeFileSync(next, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flush: true })
  renameSync(next, file)
  const folder = openSync(dirname(file), 'r')
  fsyncSync(folder)
  closeSync(folder)
}

function takeLock(lock: string): void {
  const deadline = Date.now() + LOCK_TIMEOUT_MS
  for (;;) {
    try {
      closeSync(openSync(lock, 'wx', 0o600))
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new OperatorError(`${lock} cannot be made: ${(error as Error).message}`)
      }
    }
    const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    if (age > STALE_LOCK_MS) rmSync(lock, { force: true })
    else if (Date.now() > deadline)
      throw new OperatorError(`another process is changing the API keys; ${lock} is its lock`)
    else pause(5)
  }
}

/** Blocks: changing keys is rare, short, and done by the command line. */
function pause(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs)
}
