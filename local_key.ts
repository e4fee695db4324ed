/** A key for the command line on the same machine. */
import { hash, randomBytes } from 'node:crypto'
import type { Directory, ProjectDirectory } from '#schemas/directory.ts'
import { LOCAL_KEY_ID } from '#ui/server/api/access.ts'
import type { StoredDirectory } from '#ui/server/directory/directory.ts'

/** A key of this run only, for the command line on the same machine (`run.json`): it administers the instance. */
export function localKey(stored: StoredDirectory): {
  readonly key: string
  readonly directory: Directory & ProjectDirectory
} {
  const key = `local_${randomBytes(24).toString('base64url')}`
  const { id: projectId, name: projectName } = stored.defaultProject
  const principal = { projectId, projectName, keyId: LOCAL_KEY_ID, scopes: ['read', 'admin'] } as const
  // Compared by hash: how long that takes says nothing about the key.
  const sha256 = hash('sha256', key)
  const authenticate: Directory['authenticate'] = (given) =>
    given.length === key.length && hash('sha256', given) === sha256 ? principal : stored.authenticate(given)
  return { key, directory: { authenticate, project: stored.project } }
}
