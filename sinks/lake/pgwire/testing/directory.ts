/** Projects and keys in memory, with real SCRAM verifiers. */
import { createHmac, hash, pbkdf2Sync } from 'node:crypto'
import type { PasswordDirectory, Principal, ScramUser } from '#schemas/directory.ts'
import { OTHER_PROJECT, PROJECT } from '../../query/testing/fixture.ts'

const ITERATIONS = 4096

export interface TestKey {
  readonly key: string
  readonly principal: Principal
}

export const KEY = 'mr_one'
export const SECOND_KEY = 'mr_two'
export const OTHER_KEY = 'mr_other'
export const INGEST_KEY = 'mr_ingest'
const own = { projectId: PROJECT, projectName: 'default' }

export const TEST_KEYS: readonly TestKey[] = [
  { key: KEY, principal: { ...own, keyId: 'one', scopes: ['read'] } },
  { key: SECOND_KEY, principal: { ...own, keyId: 'two', scopes: ['read', 'ingest'] } },
  { key: INGEST_KEY, principal: { ...own, keyId: 'ingest', scopes: ['ingest'] } },
  { key: OTHER_KEY, principal: { projectId: OTHER_PROJECT, projectName: 'other', keyId: 'other', scopes: ['read'] } },
]

/** A directory whose keys can be taken away. */
export function createTestDirectory(): PasswordDirectory & { revoke(key: string): void } {
  const revoked = new Set<string>()
  const users = new Map<string, ScramUser>()
  for (const id of [PROJECT, OTHER_PROJECT]) {
    const salt = Buffer.from(hash('sha256', id), 'hex').subarray(0, 16)
    const keys = TEST_KEYS.filter(({ principal }) => principal.projectId === id).map((one) => verifierOf(one, salt))
    const user: ScramUser = {
      ...{ salt, iterations: ITERATIONS },
      get verifiers() {
        return keys.filter(({ key }) => !revoked.has(key))
      },
    }
    users.set(id, user)
    users.set(keys[0].principal.projectName, user)
  }
  return {
    scramUser: (user) =>
      users.get(user) ?? {
        salt: Buffer.from(hash('sha256', user), 'hex').subarray(0, 16),
        iterations: ITERATIONS,
        verifiers: [],
      },
    revoke: (key) => revoked.add(key),
  }
}

/** RFC 5802, section 3. */
function verifierOf({ key, principal }: TestKey, salt: Uint8Array) {
  const salted = pbkdf2Sync(key, salt, ITERATIONS, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  const storedKey = Buffer.from(hash('sha256', clientKey), 'hex')
  return { key, principal, storedKey, serverKey: createHmac('sha256', salted).update('Server Key').digest() }
}
