/** API keys as passwords of a project (SCRAM-SHA-256), from what the key file has of them. */
import { createHmac } from 'node:crypto'
import type { PasswordDirectory, Principal, ScramUser, ScramVerifier } from '#schemas/directory.ts'
import { type KeyFileContent, keyHash, SCRAM_ITERATIONS, type StoredKey, scramVerifier } from './key_file.ts'

const SALT_BYTES = 16

/**
 * @param principals of the keys in force, by hash of the key
 * @param apiKey a key that is not in the file; it gets its verifier here (some milliseconds)
 */
export function createPasswordDirectory(
  content: KeyFileContent,
  principals: ReadonlyMap<string, Principal>,
  apiKey: string | undefined,
): PasswordDirectory {
  const users = new Map<string, ScramUser>()
  for (const { id, name, scram_salt } of content.projects) {
    const verifiers = content.keys.flatMap(({ sha256, scram }) => {
      const principal = principals.get(sha256)
      // With other iterations the client would have made another proof.
      if (principal?.projectId !== id || scram.iterations !== SCRAM_ITERATIONS) return []
      return [verifierOf(principal, scram)]
    })
    const extra = apiKey === undefined ? undefined : principals.get(keyHash(apiKey))
    if (apiKey !== undefined && extra?.projectId === id) {
      verifiers.push(verifierOf(extra, scramVerifier(apiKey, scram_salt)))
    }
    const user = { salt: Buffer.from(scram_salt, 'base64'), iterations: SCRAM_ITERATIONS, verifiers }
    users.set(id, user)
    // A project named like another's UUID does not stand in for it.
    if (!content.projects.some((other) => other.id === name)) users.set(name, user)
  }
  const secret = Buffer.from(content.scram_secret ?? '', 'base64')
  return {
    scramUser(user) {
      const known = users.get(user)
      if (known !== undefined) return known
      const salt = createHmac('sha256', secret).update(user).digest().subarray(0, SALT_BYTES)
      return { salt, iterations: SCRAM_ITERATIONS, verifiers: [] }
    },
  }
}

function verifierOf(principal: Principal, scram: StoredKey['scram']): ScramVerifier {
  const { stored_key, server_key } = scram
  return { principal, storedKey: Buffer.from(stored_key, 'base64'), serverKey: Buffer.from(server_key, 'base64') }
}
