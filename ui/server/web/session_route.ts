/**
 * Signing in to the page: `POST /v1/session {"key"}` answers as `GET /v1/session` does and sets the cookie,
 * `GET /v1/session` says who is signed in and where telemetry goes, `DELETE /v1/session` signs out.
 * `POST /v1/session/code`, with a key, answers `{"code"}`: `POST /v1/session {"code"}` takes it once, for a minute.
 */
import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Directory, Principal, Scope } from '#schemas/directory.ts'
import { bearerKey } from '../server.ts'
import { type Sessions, sessionCookie } from './sessions.ts'
import { createSignInCodes, type SignInCodes } from './sign_in_codes.ts'

export interface SessionRouteOptions {
  readonly directory: Directory
  readonly sessions: Sessions
  readonly codes?: SignInCodes
  /** Ports of the OTLP receiver. */
  readonly otlp: { readonly grpc: number; readonly http: number }
}

/** What the page knows about itself. */
export interface SessionAnswer {
  /** Name of the project. */
  readonly project: string
  readonly scopes: readonly Scope[]
  /** Ports of the OTLP receiver, on the host of the page. */
  readonly otlp: { readonly grpc: number; readonly http: number }
}

const bodySchema = z.union([
  z.strictObject({ key: z.string().max(1024) }),
  z.strictObject({ code: z.string().max(1024) }),
])
const NO_KEY = 'This is not a key that is known here. `npx millrace key add` makes one.'
const NO_CODE = 'This link is used or over a minute old. Sign in with a key, or make another link.'
const NO_READ = 'This key may send telemetry but not read it. `npx millrace key add --scopes read` makes one that may.'

export function sessionRoute({
  directory,
  sessions,
  codes = createSignInCodes(),
  otlp,
}: SessionRouteOptions): FastifyPluginAsync {
  const answer = ({ projectName, scopes }: Principal): SessionAnswer => ({ project: projectName, scopes, otlp })

  return async (server) => {
    server.addHook('onSend', async (_, reply) => void reply.header('cache-control', 'no-store'))

    server.post('/v1/session', async (request, reply) => {
      const body = bodySchema.safeParse(request.body)
      if (!body.success) return refuse(reply, 400, '22023', z.prettifyError(body.error))
      const key = 'key' in body.data ? body.data.key.trim() : codes.take(body.data.code)
      if (key === null) return refuse(reply, 401, '28000', NO_CODE)
      const principal = directory.authenticate(key)
      if (principal === null) return refuse(reply, 401, '28000', NO_KEY)
      if (!principal.scopes.includes('read')) return refuse(reply, 403, '42501', NO_READ)
      sessions.end(request)
      const secure = request.headers.origin?.startsWith('https:') ?? false
      return reply.header('set-cookie', sessionCookie(sessions.open(key), secure)).send(answer(principal))
    })

    server.post('/v1/session/code', async (request, reply) => {
      // A key itself, no session: a page may not make links to itself.
      const key = bearerKey(request) ?? ''
      const principal = directory.authenticate(key)
      if (principal === null) return refuse(reply, 401, '28000', NO_KEY)
      if (!principal.scopes.includes('read')) return refuse(reply, 403, '42501', NO_READ)
      return { code: codes.open(key) }
    })

    server.get('/v1/session', async (request, reply) => {
      const principal = directory.authenticate(bearerKey(request) ?? sessions.keyOf(request) ?? '')
      return principal === null ? refuse(reply, 401, '28000', 'Nobody is signed in') : answer(principal)
    })

    server.delete('/v1/session', async (request, reply) => {
      // A page of another site may not sign anybody out either.
      if (sessions.keyOf(request) !== null) sessions.end(request)
      return reply.code(204).header('set-cookie', sessionCookie(null, false)).send()
    })
  }
}

function refuse(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  return reply.code(status).send({ code, message })
}
