/** Paths answered by another protocol than HTTP: who may is decided by the same gate as for routes. */
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { foreignRequest } from './api/access.ts'
import type { Caller, Requirement } from './api/caller.ts'
import type { Gate } from './api/gate.ts'
import { ApiError, knownError, PROBLEM_CONTENT_TYPE, problemOf } from './api/problem.ts'

export interface UpgradeRoute {
  readonly path: string
  /** One sentence, for the OpenAPI document. */
  readonly summary: string
  readonly access: Exclude<Requirement, 'public'>
  /**
   * Host, Origin and caller are checked before.
   * @param stillMay to be asked once a second: whether the caller still may. @throws TransientError where it cannot be known
   */
  upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    caller: Caller,
    stillMay: () => Promise<boolean>,
  ): void
  /** Ends every connection. */
  close(): Promise<void>
}

export interface UpgradeOptions {
  readonly upgrades: readonly UpgradeRoute[]
  readonly gate: Gate
  /** The address listened on. */
  readonly host: string
  readonly onError?: (error: unknown) => void
}

export function routeUpgrades(server: FastifyInstance, { upgrades, gate, host, onError }: UpgradeOptions): void {
  server.server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    admit(request, socket, head).catch((error: unknown) => {
      const known = knownError(error)
      if (known === null) onError?.(error)
      refuseUpgrade(socket, known ?? new ApiError(500, 'XX000', 'Something went wrong here'))
    })
  })
  const admit = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const refusal = foreignRequest(request, host)
    if (refusal !== null) throw new ApiError(403, '42501', refusal)
    const path = request.url ?? '/'
    if (!URL.canParse(path, 'ws://here')) throw new ApiError(400, '22023', 'the path is not one of a URL')
    const url = new URL(path, 'ws://here')
    const route = upgrades.find(({ path }) => path === url.pathname)
    if (route === undefined) throw new ApiError(404, '42704', `there is nothing to connect to at ${url.pathname}`)
    const project = url.searchParams.get('project') ?? undefined
    const address = request.socket.remoteAddress ?? ''
    const caller = await gate.admit(request, address, route.access, project)
    if (socket.destroyed) return
    route.upgrade(request, socket, head, caller!, () => gate.stillAdmits(request, caller!, route.access))
  }
  // Fastify does not know of these connections, and the server ends when the last one has.
  server.addHook('preClose', async () => {
    for (const route of upgrades) await route.close()
  })
}

/** Answers an upgrade with a problem, as a route does. */
export function refuseUpgrade(socket: Duplex, error: ApiError): void {
  const body = JSON.stringify(problemOf(error))
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    `content-type: ${PROBLEM_CONTENT_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    ...(error.retryAfterSeconds === undefined ? [] : [`retry-after: ${error.retryAfterSeconds}`]),
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
