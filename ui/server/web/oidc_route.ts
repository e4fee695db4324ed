/** `GET /v1/session/oidc` sends the browser to the OpenID provider, which sends it back to `…/callback`. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Database } from '#pipeline/postgres/database.ts'
import type { Access } from '../api/access.ts'
import { cookieOf, isSecure } from '../api/cookies.ts'
import { ApiError } from '../api/problem.ts'
import { defineRoute, type Route } from '../api/route.ts'
import { userOfIdentity } from '../directory/identities.ts'
import type { Sessions } from '../directory/sessions.ts'
import { readSettings } from '../directory/settings.ts'
import { type Oidc, type Pending, pendingSchema } from './oidc.ts'
import { begin, firstProject } from './session_route.ts'

export interface OidcRouteOptions {
  readonly database: Database
  readonly sessions: Sessions
  readonly access: Access
  /** `null` where none is set up. */
  readonly oidc: Oidc | null
}

const PATH = '/v1/session/oidc'
const COOKIE = 'millrace_oidc'
const MINUTES = 10
const NONE = 'No sign-in provider is set up here: MILLRACE_OIDC_ISSUER'

const waysSchema = z.object({
  provider: z.string().nullable().meta({ description: 'The OpenID provider, where one is set up. Keys always work.' }),
  password: z.boolean().meta({ description: 'Whether passwords are taken.' }),
  session_hours: z.int().meta({ description: 'How long somebody stays signed in.' }),
})
export type WaysAnswer = z.output<typeof waysSchema>

export function oidcRoutes({ database, sessions, access, oidc }: OidcRouteOptions): Route[] {
  const configured = (): Oidc => {
    if (oidc === null) throw new ApiError(404, '42704', NONE)
    return oidc
  }
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/session/ways',
      summary: 'How one may sign in here.',
      access: 'public',
      answers: { 200: waysSchema },
      async handle() {
        const { password_sign_in: password, session_hours } = await readSettings(database)
        return { provider: oidc?.name ?? null, password, session_hours }
      },
    }),
    defineRoute({
      method: 'GET',
      path: PATH,
      summary: 'Sends the browser to the OpenID provider.',
      access: 'public',
      answers: { 302: null },
      async handle({ request, reply }) {
        const { url, pending } = await configured().begin(callbackOf(request))
        reply
          .code(302)
          .header('location', url.href)
          .header('set-cookie', pendingCookie(pending, isSecure(request)))
      },
    }),
    defineRoute({
      method: 'GET',
      path: `${PATH}/callback`,
      summary: 'Where the OpenID provider sends the browser back to: signs in.',
      access: 'public',
      query: z.looseObject({}),
      attempt: () => null,
      answers: { 302: null },
      async handle({ request, reply }) {
        const provider = configured()
        const pending = readPending(cookieOf(request, COOKIE))
        const current = new URL(callbackOf(request))
        current.search = new URL(request.url, current).search
        const identity = await provider.finish(current, pending)
        const user = await database.transaction((transaction) => userOfIdentity(transaction, identity))
        sessions.forget()
        const [of] = await firstProject(database, access, user)
        await begin(sessions, of, request, reply)
        reply
          .code(302)
          .header('location', '/')
          .header('set-cookie', pendingCookie(null, isSecure(request)))
      },
    }),
  ]
}

function callbackOf(request: FastifyRequest): URL {
  return new URL(`${isSecure(request) ? 'https' : 'http'}://${request.headers.host}${PATH}/callback`)
}

/** Lax: it is to come along when the provider's page sends the browser back. */
function pendingCookie(pending: Pending | null, secure: boolean): string {
  const value = pending === null ? '' : Buffer.from(JSON.stringify(pending)).toString('base64url')
  const age = pending === null ? 0 : MINUTES * 60
  return `${COOKIE}=${value}; Path=${PATH}; HttpOnly; SameSite=Lax; Max-Age=${age}${secure ? '; Secure' : ''}`
}

/** @throws ApiError 401 where this browser has begun nothing */
function readPending(cookie: string | null): Pending {
  try {
    return pendingSchema.parse(JSON.parse(Buffer.from(cookie ?? '', 'base64url').toString()))
  } catch (cause) {
    throw new ApiError(401, '28000', 'This browser has not begun to sign in, or over ten minutes ago', { cause })
  }
}
