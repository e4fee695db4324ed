/**
 * The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677; PostgreSQL 18, chapter 54.3). Pure: text in, text out.
 * A user has several passwords, its API keys, with one salt: the client's proof is held against each of them.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Principal, ScramUser } from '#schemas/directory.ts'
import { ProtocolError } from './frontend_messages.ts'

export const SCRAM_MECHANISM = 'SCRAM-SHA-256'
const PROOF_BYTES = 32

export interface ScramExchange {
  /** Answer to the client's first message. */
  readonly serverFirst: string
  /**
   * @param clientFinal the client's second message
   * @returns whose key it was and the server's last word; null where it was none of the user's keys
   * @throws ProtocolError where it does not belong to this exchange
   */
  finish(clientFinal: string): { readonly principal: Principal; readonly serverFinal: string } | null
}

/**
 * @param clientFirst `n,,n=,r=<nonce>`: the user is the one of the startup message
 * @param nonce the server's, printable without commas
 * @throws ProtocolError
 */
export function beginScram(user: ScramUser, clientFirst: string, nonce: string): ScramExchange {
  const match = /^([ny]|p=[^,]*),(a=[^,]*)?,((?:m=[^,]*,)?n=[^,]*,r=([!-+\--~]+))(?:,.*)?$/.exec(clientFirst)
  if (match === null) throw new ProtocolError('malformed SCRAM message')
  const [, binding, authorization = '', bare, clientNonce] = match
  if (binding.startsWith('p=')) throw new ProtocolError('channel binding was not offered')
  if (bare.startsWith('m=')) throw new ProtocolError('a SCRAM extension that is not supported')
  const header = Buffer.from(`${binding},${authorization},`).toString('base64')
  const joined = `${clientNonce}${nonce}`
  const serverFirst = `r=${joined},s=${Buffer.from(user.salt).toString('base64')},i=${user.iterations}`
  return {
    serverFirst,
    finish(clientFinal) {
      const final = /^(c=([^,]*),r=([^,]*)(?:,[^p][^,]*)*),p=([A-Za-z0-9+/=]+)$/.exec(clientFinal)
      if (final === null) throw new ProtocolError('malformed SCRAM message')
      const [, withoutProof, channel, echoed, proof] = final
      if (channel !== header || echoed !== joined) throw new ProtocolError('the SCRAM messages do not belong together')
      const proofBytes = Buffer.from(proof, 'base64')
      if (proofBytes.length !== PROOF_BYTES) throw new ProtocolError('malformed SCRAM proof')
      return check(user, `${bare},${serverFirst},${withoutProof}`, proofBytes)
    },
  }
}

function check(user: ScramUser, authMessage: string, proof: Buffer): ReturnType<ScramExchange['finish']> {
  let found: ReturnType<ScramExchange['finish']> = null
  // All of them, found or not: how long it takes tells of the number of keys at most.
  for (const { principal, storedKey, serverKey } of user.verifiers) {
    const signature = createHmac('sha256', storedKey).update(authMessage).digest()
    const clientKey = proof.map((byte, at) => byte ^ signature[at])
    if (!timingSafeEqual(createHash('sha256').update(clientKey).digest(), storedKey)) continue
    found = { principal, serverFinal: `v=${createHmac('sha256', serverKey).update(authMessage).digest('base64')}` }
  }
  return found
}
