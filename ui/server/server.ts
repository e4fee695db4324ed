/** The HTTP server: the API, what operators probe, WebSockets and the web app. */
import fastify, { type FastifyInstance, type FastifyPluginAsync } from 'fastify'
import { OperatorError } from '#pipeline/errors/errors.ts'
import { type Access, foreignRequest } from './api/access.ts'
import { createGate, type GateOptions } from './api/gate.ts'
import { ApiError, notFound } from './api/problem.ts'
import { type RegisterOptions, registerRoutes, sendError } from './api/register.ts'
import type { Route } from './api/route.ts'
import { openapiRoute } from './openapi.ts'
import { routeUpgrades, type UpgradeRoute } from './upgrades.ts'
import { SECURITY_HEADERS } from './web/page.ts'

export interface HttpServerOptions extends Pick<RegisterOptions, 'database' | 'changed' | 'onError'> {
  readonly host: string
  readonly port: number
  /** Who asks, of routes and upgrades. */
  readonly access: Access
  readonly limits?: Pick<GateOptions, 'requests' | 'attempts'>
  readonly routes: readonly Route[]
  readonly upgrades?: readonly UpgradeRoute[]
  /** What is answered where there is no route. */
  readonly page?: FastifyPluginAsync
}

export interface HttpServer {
  /** Where it listens, `http://host:port`. */
  readonly url: string
  close(): Promise<void>
}

const BODY_LIMIT_BYTES = 1 << 20

/** @throws OperatorError where the port is taken */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const server = buildServer(options)
  return { url: await listen(server, options), close: () => server.close() }
}

/** The server before it listens. */
export function buildServer(options: HttpServerOptions): FastifyInstance {
  const { access, limits, host, upgrades = [], onError, page } = options
  const server = fastify({ bodyLimit: BODY_LIMIT_BYTES, forceCloseConnections: true, exposeHeadRoutes: false })
  server.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS)
    const refusal = foreignRequest(request, host)
    if (refusal !== null) throw new ApiError(403, '42501', refusal)
  })
  server.setNotFoundHandler((request, reply) => sendError(reply, notFound('route', request.url.split('?')[0])))
  const gate = createGate({ access, ...limits })
  const routes: readonly Route[] = [...options.routes, openapiRoute(() => ({ routes, upgrades }))]
  registerRoutes(server, { ...options, routes, gate })
  routeUpgrades(server, { upgrades, gate, host, onError })
  if (page !== undefined) server.register(page)
  return server
}

async function listen(server: FastifyInstance, { host, port }: HttpServerOptions): Promise<string> {
  try {
    return await server.listen({ host, port })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause
    throw new OperatorError(
      `port ${port} is taken: stop what listens there, or set MILLRACE_HTTP_PORT to a free port`,
      { cause },
    )
  }
}
