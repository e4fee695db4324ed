/** The HTTP server: the API, what operators probe, and the web app. */
import { type IncomingHttpHeaders, type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import fastify, { type FastifyInstance, type FastifyPluginAsync } from 'fastify'
import { OperatorError } from '#pipeline/errors/errors.ts'
import { type MetricFamily, PROMETHEUS_CONTENT_TYPE, prometheusText } from '#pipeline/observability/prometheus.ts'
import type { Principal } from '#schemas/directory.ts'
import { SECURITY_HEADERS } from './web/page.ts'

/** What a request says about itself: Fastify's request and a bare WebSocket upgrade both fit. */
export interface RequestHead {
  readonly headers: IncomingHttpHeaders
}

/** A path that is answered by another protocol than HTTP. Host and Origin are checked before. */
export interface UpgradeRoute {
  readonly path: string
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Ends every connection. */
  close(): Promise<void>
}

export interface HttpServerOptions {
  readonly host: string
  readonly port: number
  /** Whose key a request carries; for the routes that want one. */
  readonly authenticate: (key: string) => Principal | null
  /** The key behind a request that carries none itself: that of its session. */
  readonly sessionKey?: (request: RequestHead) => string | null
  /** Why we are not ready; empty when we are. */
  readonly notReady: () => readonly string[]
  readonly metrics: () => Promise<readonly MetricFamily[]>
  /** Answers `GET /v1/topology`. */
  readonly topology: () => Promise<unknown>
  /** Further routes. */
  readonly routes: readonly FastifyPluginAsync[]
  readonly upgrades?: readonly UpgradeRoute[]
}

export interface HttpServer {
  /** Where it listens, `http://host:port`. */
  readonly url: string
  close(): Promise<void>
}

const BODY_LIMIT_BYTES = 1 << 20

/** @throws OperatorError where the port is taken */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const server = fastify({ bodyLimit: BODY_LIMIT_BYTES, forceCloseConnections: true })
  server.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS)
    const refusal = foreignRequest(request, options.host)
    if (refusal !== null) await reply.code(403).send({ code: '42501', message: refusal })
  })
  server.get('/healthz', async () => ({ status: 'alive' }))
  server.get('/readyz', async (_, reply) => {
    const reasons = options.notReady()
    return reply
      .code(reasons.length === 0 ? 200 : 503)
      .send({ status: reasons.length === 0 ? 'ready' : 'not ready', reasons })
  })
  server.get('/metrics', async (_, reply) =>
    reply.type(PROMETHEUS_CONTENT_TYPE).send(prometheusText(await options.metrics())),
  )
  server.get('/v1/topology', async (request, reply) => {
    const principal = options.authenticate(bearerKey(request) ?? options.sessionKey?.(request) ?? '')
    if (principal === null || !principal.scopes.includes('read')) {
      return reply
        .code(401)
        .send({ code: '28000', message: 'This needs a key with the scope read: authorization: Bearer <key>' })
    }
    return options.topology()
  })
  for (const routes of options.routes) await server.register(routes)
  routeUpgrades(server, options)
  return { url: await listen(server, options), close: () => server.close() }
}

/** The key in `authorization: Bearer <key>` or `x-api-key`. */
export function bearerKey(request: RequestHead): string | null {
  const header = request.headers.authorization
  if (header !== undefined && /^bearer /i.test(header)) return header.slice('bearer '.length).trim()
  const key = request.headers['x-api-key']
  return typeof key === 'string' ? key : null
}

function routeUpgrades(server: FastifyInstance, { upgrades = [], host }: HttpServerOptions): void {
  server.server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    const path = request.url?.replace(/\?.*/s, '')
    const route = upgrades.find((candidate) => candidate.path === path)
    const refusal = foreignRequest(request, host)
    if (refusal !== null) refuseUpgrade(socket, 403, '42501', refusal)
    else if (route === undefined) refuseUpgrade(socket, 404, '42704', `there is nothing to connect to at ${path}`)
    else route.upgrade(request, socket, head)
  })
  // Fastify does not know of these connections, and the server ends when the last one has.
  server.addHook('preClose', async () => {
    for (const route of upgrades) await route.close()
  })
}

/** Answers an upgrade with an HTTP status and a sentence, as a route does. */
export function refuseUpgrade(socket: Duplex, status: number, code: string, message: string): void {
  const body = JSON.stringify({ code, message })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/**
 * Refuses what a web page of another site may send through a browser: a foreign Origin, and, where we listen on
 * loopback, a Host that is not loopback (DNS rebinding). @returns the sentence to answer with, `null` where all is well
 */
function foreignRequest(request: RequestHead, bind: string): string | null {
  const host = request.headers.host ?? ''
  const loopback = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/
  const { origin } = request.headers
  if (origin !== undefined && hostOf(origin) !== host) return `a page of ${origin} may not ask ${host}`
  if (/^(127\.|::1$|localhost$)/.test(bind) && !loopback.test(host)) return `${host} is not a name of this server`
  return null
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null
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
