/** SQL over PostgreSQL's wire protocol: `psql "postgres://<project>:<API key>@localhost:15432/millrace"`. */
import { createServer, type Server, type Socket } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import { OperatorError } from '#pipeline/errors/errors.ts'
import type { PasswordDirectory, Principal } from '#schemas/directory.ts'
import { QueryError, type StatementService } from '#schemas/query.ts'
import { DATABASE } from '../query/catalog/server.ts'
import { backendKeyData, errorResponse, parameterStatus } from './backend_messages.ts'
import { ConnectionLost } from './byte_writer.ts'
import { Sessions } from './cancellation.ts'
import { ProtocolError } from './frontend_messages.ts'
import { PGWIRE_LIMITS, type PgwireLimits } from './limits.ts'
import { type Farewell, Session } from './session.ts'
import { REPORTED, SessionSettings } from './session_settings.ts'
import { authenticate, type Channel, Refusal, readStartup } from './startup.ts'

export interface PgwireOptions {
  readonly host: string
  readonly port: number
  readonly queries: StatementService
  readonly directory: PasswordDirectory
  /** PEM; without it connections are not encrypted. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined
  readonly limits?: Partial<PgwireLimits>
  /** Told of what is our fault. */
  readonly onError?: (error: unknown) => void
}

export interface PgwireServer {
  readonly port: number
  /** Sessions past the password. */
  readonly connections: number
  close(): Promise<void>
}

const SHUTDOWN: Farewell = { code: '57P01', message: 'terminating connection due to administrator command' }
/** How long a client may take to read its last words. */
const FAREWELL_MS = 1000

/** @throws OperatorError where the port is taken, or the certificate is none */
export async function createPgwireServer(options: PgwireOptions): Promise<PgwireServer> {
  const host = new ConnectionHost(options, secureContext(options.tls))
  await listen(host.server, options)
  return {
    port: (host.server.address() as { port: number }).port,
    get connections() {
      return host.sessions.size
    },
    close: () => host.close(),
  }
}

class ConnectionHost {
  readonly server: Server
  readonly sessions = new Sessions()
  readonly #options: PgwireOptions
  readonly #limits: PgwireLimits
  readonly #tls: SecureContext | undefined
  readonly #open = new Map<Socket, Promise<void>>()
  readonly #running = new Set<Session>()
  #isClosing = false

  constructor(options: PgwireOptions, tls: SecureContext | undefined) {
    this.#options = options
    this.#limits = { ...PGWIRE_LIMITS, ...options.limits }
    this.#tls = tls
    this.server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.#accept(socket))
    // Beyond this a connection is closed unheard; up to it a client hears why.
    this.server.maxConnections = this.#limits.maxConnections + this.#limits.maxHandshakes
  }

  async close(): Promise<void> {
    this.#isClosing = true
    const closed = new Promise((resolve) => this.server.close(resolve))
    for (const session of this.#running) session.end(SHUTDOWN)
    const timer = setTimeout(() => this.#destroyAll(), FAREWELL_MS)
    // Nobody who has not come past the password is waited for.
    for (const socket of this.#open.keys()) if (!this.#isSession.has(socket)) socket.destroy()
    await Promise.all(this.#open.values())
    clearTimeout(timer)
    await closed
  }

  readonly #isSession = new WeakSet<Socket>()

  #destroyAll(): void {
    for (const socket of this.#open.keys()) socket.destroy()
  }

  #accept(socket: Socket): void {
    // Told by `close`; without a listener it would end the process.
    socket.on('error', () => {})
    const served = this.#serve(socket)
      .catch((cause) => {
        if (!(cause instanceof ConnectionLost) && !isNetworkError(cause)) this.#options.onError?.(cause)
      })
      .finally(() => {
        this.#open.delete(socket)
        socket.destroySoon()
        // A client that does not read its last words does not keep the socket.
        const timer = setTimeout(() => socket.destroy(), FAREWELL_MS)
        socket.once('close', () => clearTimeout(timer))
      })
    this.#open.set(socket, served)
  }

  async #serve(socket: Socket): Promise<void> {
    const deadline = setTimeout(() => socket.destroy(), this.#limits.handshakeTimeoutMs)
    const farewell = (channel: Channel | null, { code, message }: Farewell) => {
      const bytes = errorResponse({ code, message }, 'FATAL')
      if (channel === null) socket.write(bytes)
      else {
        channel.writer.send(bytes)
        return channel.writer.flush()
      }
    }
    let channel: Channel | null = null
    try {
      const startup = await readStartup(socket, { tls: this.#tls, stallTimeoutMs: this.#limits.stallTimeoutMs })
      if (startup === null) return
      if (startup.kind === 'cancel') return this.sessions.cancel(startup.key)
      channel = startup.channel
      const settings = settingsOf(startup.parameters)
      const user = startup.parameters.get('user') ?? ''
      const principal = await authenticate(channel, user, this.#options.directory)
      clearTimeout(deadline)
      if (principal === null) return
      this.#admit(principal, startup.parameters)
      this.#isSession.add(socket)
      await this.#session(channel, principal, settings)
    } catch (cause) {
      if (!(cause instanceof ProtocolError || cause instanceof Refusal || cause instanceof QueryError)) throw cause
      const code = cause instanceof QueryError ? cause.problem.code : cause.code
      await farewell(channel, { code, message: cause.message })
    } finally {
      clearTimeout(deadline)
    }
  }

  /** @throws Refusal */
  #admit({ scopes, projectName, projectId }: Principal, parameters: ReadonlyMap<string, string>): void {
    if (this.#isClosing) throw new Refusal(SHUTDOWN.code, 'the server is shutting down')
    if (!scopes.includes('read')) throw new Refusal('42501', 'the API key does not have the scope read')
    if (parameters.get('replication') !== undefined) throw new Refusal('0A000', 'there is no replication here')
    // A client that is given no database takes the user's name.
    const database = parameters.get('database') ?? DATABASE
    if (![DATABASE, projectName, projectId].includes(database)) {
      throw new Refusal('3D000', `database "${database}" does not exist: it is called ${DATABASE}`)
    }
    if (this.sessions.size >= this.#limits.maxConnections) throw new Refusal('53300', 'sorry, too many clients already')
  }

  async #session(channel: Channel, principal: Principal, settings: SessionSettings): Promise<void> {
    const { queries, directory, onError = () => {} } = this.#options
    const { projectId, keyId } = principal
    const isAllowed = () => directory.scramUser(projectId).verifiers.some((one) => one.principal.keyId === keyId)
    const limits = this.#limits
    const session = new Session({ channel, principal, settings, queries, limits, isAllowed, onError })
    const key = this.sessions.add(() => session.cancel())
    this.#running.add(session)
    try {
      for (const name of REPORTED) channel.writer.send(parameterStatus(name, settings.get(name).value))
      channel.writer.send(backendKeyData(key.id, key.secret))
      await session.run()
    } finally {
      this.#running.delete(session)
      this.sessions.remove(key)
    }
  }
}

/** Settings a client begins with: its own parameters, and `options` (`-c name=value`). @throws QueryError */
function settingsOf(parameters: ReadonlyMap<string, string>): SessionSettings {
  const settings = new SessionSettings(parameters.get('user') ?? '')
  for (const [name, value] of parameters) {
    if (['user', 'database', 'replication', 'options'].includes(name) || name.startsWith('_pq_.')) continue
    settings.set(name, value)
  }
  for (const [, name, value] of (parameters.get('options') ?? '').matchAll(/-(?:c\s*|-)([\w.]+)=((?:\\.|[^\s\\])*)/g)) {
    settings.set(name, value.replaceAll(/\\(.)/g, '$1'))
  }
  return settings
}

function isNetworkError(cause: unknown): boolean {
  return typeof (cause as NodeJS.ErrnoException).code === 'string'
}

function secureContext(tls: PgwireOptions['tls']): SecureContext | undefined {
  if (tls === undefined) return undefined
  try {
    return createSecureContext({ ...tls, minVersion: 'TLSv1.2' })
  } catch (cause) {
    throw new OperatorError(`MILLRACE_TLS_CERT and MILLRACE_TLS_KEY: ${(cause as Error).message}`, { cause })
  }
}

async function listen(server: Server, { host, port }: PgwireOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = `port ${port} is taken: stop what listens there, or set MILLRACE_SQL_PORT to a free port`
      reject(cause.code === 'EADDRINUSE' ? new OperatorError(taken, { cause }) : cause)
    })
    server.listen(port, host, resolve)
  })
}
