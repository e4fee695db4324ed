/** The directory kept in `keys.json` of the data folder. Another process may change the file at any time. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Directory, PasswordDirectory, Principal } from '#schemas/directory.ts'
import { ALL_SCOPES, DEFAULT_PROJECT, initializeKeyFile, KEY_FILE, keyHash, readKeyFile } from './key_file.ts'
import { createPasswordDirectory } from './password_directory.ts'

/** How long a change of the file may go unnoticed. */
const RECHECK_MS = 200
/** Ours have 35 characters, `MILLRACE_API_KEY` may have more; hashing megabytes for a stranger is no service. */
const MAX_KEY_LENGTH = 1024

export interface FileDirectoryOptions {
  readonly dataDir: string
  /** One more key, of all scopes on project `default`, that is not in the file (`MILLRACE_API_KEY`). */
  readonly apiKey?: string | undefined
  /** Monotonic milliseconds. */
  readonly now?: () => number
  /** Told when the file cannot be read any more; the keys read before stay in force. */
  readonly onError?: (error: unknown) => void
}

export interface FileDirectory extends Directory, PasswordDirectory {
  /** The key made because there was neither a file nor an `apiKey`: to be shown once. `null` otherwise. */
  readonly firstKey: string | null
  /** The project whose name is `default`. */
  readonly defaultProject: { readonly id: string; readonly name: string }
}

/** @throws OperatorError where the file is not one of ours, or cannot be made */
export function createFileDirectory(options: FileDirectoryOptions): FileDirectory {
  const { dataDir, apiKey, now = () => performance.now(), onError } = options
  const firstKey = initializeKeyFile(dataDir, apiKey === undefined)
  let version = fileVersion(dataDir)
  let keys = readKeys(dataDir, apiKey)
  let checkedAt = now()

  /** What the file says, looked at again where that was long ago. */
  const current = () => {
    if (now() - checkedAt >= RECHECK_MS) recheck()
    return keys
  }
  const recheck = () => {
    checkedAt = now()
    const changed = fileVersion(dataDir)
    if (changed === version) return
    version = changed
    try {
      keys = readKeys(dataDir, apiKey)
    } catch (error) {
      onError?.(error)
    }
  }
  return {
    firstKey,
    defaultProject: readKeyFile(dataDir)!.projects.find(({ name }) => name === DEFAULT_PROJECT)!,
    authenticate(key) {
      if (key.length > MAX_KEY_LENGTH) return null
      // Found by its hash: how long that takes says nothing about the key.
      return current().principals.get(keyHash(key)) ?? null
    },
    scramUser: (user) => current().passwords.scramUser(user),
  }
}

/** Changes with every rename of a new file onto the old. */
function fileVersion(dataDir: string): string {
  const stat = statSync(join(dataDir, KEY_FILE), { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? '' : `${stat.ino} ${stat.mtimeNs} ${stat.size}`
}

interface Keys {
  /** By hash of the key. */
  readonly principals: ReadonlyMap<string, Principal>
  readonly passwords: PasswordDirectory
}

function readKeys(dataDir: string, apiKey: string | undefined): Keys {
  const content = readKeyFile(dataDir)
  if (content === null) throw new Error(`${join(dataDir, KEY_FILE)} is gone`)
  const projects = new Map(content.projects.map((project) => [project.id, project]))
  const principals = new Map<string, Principal>()
  for (const { id: keyId, project_id: projectId, scopes, sha256 } of content.keys) {
    const project = projects.get(projectId)
    if (project !== undefined) principals.set(sha256, { projectId, projectName: project.name, keyId, scopes })
  }
  const byDefault = content.projects.find(({ name }) => name === DEFAULT_PROJECT)
  if (apiKey !== undefined && byDefault !== undefined) {
    const { id: projectId, name: projectName } = byDefault
    principals.set(keyHash(apiKey), { projectId, projectName, keyId: 'MILLRACE_API_KEY', scopes: ALL_SCOPES })
  }
  return { principals, passwords: createPasswordDirectory(content, principals, apiKey) }
}
