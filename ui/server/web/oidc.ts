/** Signing in at an OpenID provider: authorization code with PKCE, state and nonce (OpenID Connect Core 1.0, RFC 7636). */
import * as client from 'openid-client'
import { z } from 'zod'
import { ApiError } from '../api/problem.ts'
import type { Identity } from '../directory/identities.ts'

export interface OidcSettings {
  /** The provider's address, without `/.well-known/…`. */
  readonly issuer: string
  readonly clientId: string
  /** `undefined` for a public client. */
  readonly clientSecret: string | undefined
}

/** What the browser keeps between leaving and coming back. */
export const pendingSchema = z.strictObject({ state: z.string(), nonce: z.string(), verifier: z.string() })
export type Pending = z.output<typeof pendingSchema>

export interface Oidc {
  /** For people: the host of the issuer. */
  readonly name: string
  /** @param callback where the provider sends the browser back to @throws ApiError 503 where the provider is away */
  begin(callback: URL): Promise<{ readonly url: URL; readonly pending: Pending }>
  /** @param current the address the browser came back to @throws ApiError 401 where it is no answer to what was begun, 503 */
  finish(current: URL, pending: Pending): Promise<Identity>
}

const SCOPE = 'openid email profile'
const TIMEOUT_SECONDS = 10

/** Asks the provider when somebody first signs in: it may be away when we start. */
export function createOidc({ issuer, clientId, clientSecret }: OidcSettings): Oidc {
  let discovered: Promise<client.Configuration> | null = null
  const configuration = () => {
    discovered ??= discover().catch((cause: Error) => {
      discovered = null
      throw away(cause)
    })
    return discovered
  }
  async function discover(): Promise<client.Configuration> {
    const server = new URL(issuer)
    // Checked by the settings: only a provider on this machine.
    const execute = server.protocol === 'http:' ? [client.allowInsecureRequests] : []
    const auth = clientSecret === undefined ? client.None() : client.ClientSecretBasic(clientSecret)
    const found = await client.discovery(server, clientId, undefined, auth, { execute, timeout: TIMEOUT_SECONDS })
    const methods = found.serverMetadata().token_endpoint_auth_methods_supported
    // What a provider does not say is client_secret_basic (OpenID Connect Discovery 1.0, section 3).
    if (clientSecret === undefined || methods === undefined || methods.includes('client_secret_basic')) return found
    const post = client.ClientSecretPost(clientSecret)
    return client.discovery(server, clientId, undefined, post, { execute, timeout: TIMEOUT_SECONDS })
  }
  return {
    name: new URL(issuer).host,
    async begin(callback) {
      const config = await configuration()
      const pending = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        verifier: client.randomPKCECodeVerifier(),
      }
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: callback.href,
        scope: SCOPE,
        state: pending.state,
        nonce: pending.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(pending.verifier),
        code_challenge_method: 'S256',
      })
      return { url, pending }
    },
    async finish(current, { state, nonce, verifier }) {
      const config = await configuration()
      const tokens = await client
        .authorizationCodeGrant(config, current, {
          pkceCodeVerifier: verifier,
          expectedState: state,
          expectedNonce: nonce,
          idTokenExpected: true,
        })
        .catch((cause: Error) => {
          throw isNetwork(cause) ? away(cause) : refused(cause)
        })
      const claims = tokens.claims()!
      // Many providers tell the address there only.
      const told =
        claims.email === undefined && config.serverMetadata().userinfo_endpoint !== undefined
          ? await client.fetchUserInfo(config, tokens.access_token, claims.sub).catch((cause: Error) => {
              throw isNetwork(cause) ? away(cause) : refused(cause)
            })
          : claims
      const { email, email_verified, name } = told
      return {
        issuer: claims.iss,
        subject: claims.sub,
        verifiedEmail: email_verified === true && typeof email === 'string' ? email.toLowerCase() : null,
        name: typeof name === 'string' ? name.replaceAll(/\p{Cc}/gu, ' ').slice(0, 200) : '',
      }
    },
  }
}

function away(cause: Error): ApiError {
  const detail = 'The sign-in provider does not answer: try again, or sign in with a password or a key'
  return new ApiError(503, '08006', detail, { retryAfterSeconds: 5, cause })
}

function refused(cause: Error): ApiError {
  return new ApiError(401, '28000', 'The sign-in provider did not let you in: begin again', { cause })
}

/** What fetch throws where nobody answers. */
function isNetwork({ name, cause }: Error): boolean {
  return name === 'TypeError' || name === 'TimeoutError' || (cause instanceof Error && cause.name === 'TimeoutError')
}
