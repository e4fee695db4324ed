/** API keys: where requests carry them, and whom they speak for. */
import type { Directory, Principal } from '#schemas/directory.ts'
import { Refusal } from './refusal.ts'

const BEARER = /^bearer +(\S+) *$/i

/**
 * The key in a request's headers: `authorization: Bearer <key>`, else `x-api-key: <key>`. `null` where there is
 * neither: then resources may name it. An `authorization` of another scheme is meant for somebody in between.
 */
export function headerKey(authorization: string | undefined, apiKey: string | undefined): string | null {
  return BEARER.exec(authorization ?? '')?.[1] ?? apiKey?.trim() ?? null
}

/** @throws Refusal where the key is unknown or revoked, or does not allow sending */
export function authenticate(directory: Directory, key: string): Principal {
  const principal = directory.authenticate(key)
  if (principal === null) throw new Refusal('unauthenticated', 'the API key is not valid')
  if (!principal.scopes.includes('ingest')) {
    throw new Refusal('permission_denied', `the API key ${principal.keyId} lacks the scope ingest`)
  }
  return principal
}
