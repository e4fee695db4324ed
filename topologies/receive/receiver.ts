/** The receiver: OTLP in by gRPC and HTTP, raw records out; an export is answered when it is durable. */
import { once } from 'node:events'
import type { Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js'
import { OperatorError } from '#pipeline/errors/errors.ts'
import type { EventLog, SchemaRegistry } from '#pipeline/log/log.ts'
import type { Directory, ProjectDirectory } from '#schemas/directory.ts'
import { INSPECT_LIMITS, type InspectLimits } from '#schemas/otlp/inspect.ts'
import { telemetryRaw } from '#schemas/topics.ts'
import { type Clock, systemClock } from './clock.ts'
import { GROUP_COMMIT_LIMITS, GroupCommit, type GroupCommitLimits } from './group_commit.ts'
import { createGrpcServer } from './grpc.ts'
import { createHttpServer } from './http.ts'
import { InFlight } from './in_flight.ts'
import { Intake } from './intake.ts'
import { Quotas, type Usage } from './quotas.ts'
import { newReceiverStats, type ReceiverStats } from './stats.ts'

export interface ReceiverLimits extends InspectLimits, GroupCommitLimits {
  /** Bytes of one export, as sent and uncompressed. */
  readonly maxBodyBytes: number
  /** Bytes of all exports being received or waiting for the log. */
  readonly maxInFlightBytes: number
  /** From an HTTP request's first byte to its last. */
  readonly requestTimeoutMs: number
  readonly maxConnections: number
  /** How long {@link Receiver.close} waits for what is in flight. */
  readonly drainMs: number
}

export const RECEIVER_LIMITS: ReceiverLimits = {
  ...INSPECT_LIMITS,
  ...GROUP_COMMIT_LIMITS,
  maxBodyBytes: 16 * 2 ** 20,
  maxInFlightBytes: 64 * 2 ** 20,
  requestTimeoutMs: 30_000,
  maxConnections: 10_000,
  drainMs: 10_000,
}

const IDLE_CHECK_MS = 20
const LEARN_EVERY_MS = 10_000

export interface ReceiverOptions {
  /** Has the topic `telemetry.raw.v1` already. */
  readonly log: EventLog
  readonly registry: SchemaRegistry
  readonly directory: Directory & ProjectDirectory
  /** 0 takes any free one. */
  readonly ports: { readonly grpc: number; readonly http: number }
  /** An address to listen on. */
  readonly host: string
  /** What projects have sent today as far as it is counted elsewhere: for quotas; asked every ten seconds. */
  readonly usageToday?: () => Promise<Iterable<Usage>>
  readonly limits?: Partial<ReceiverLimits>
  readonly clock?: Clock
  /** Told of appends that failed and of faults of our own. */
  readonly onError?: (error: unknown) => void
}

export interface Receiver {
  /** Those listened on. */
  readonly ports: { readonly grpc: number; readonly http: number }
  readonly stats: ReceiverStats
  /** Bytes of exports being received or waiting for the log. */
  readonly inFlightBytes: number
  /** Takes no new connections, answers what is in flight (for `drainMs` at most), then resolves. */
  close(): Promise<void>
}

/** @throws OperatorError where a port cannot be listened on, or the raw topic is not there */
export async function createReceiver(options: ReceiverOptions): Promise<Receiver> {
  const { directory, ports, host, clock = systemClock, onError } = options
  const limits: ReceiverLimits = { ...RECEIVER_LIMITS, ...options.limits }
  const stats = newReceiverStats()
  const commit = await createGroupCommit(options, { clock, limits, stats })
  const inFlight = new InFlight(limits.maxInFlightBytes)
  const quotas = new Quotas(directory, clock)
  const intake = new Intake({ directory, commit, limits, clock, stats, quotas })
  const grpc = createGrpcServer({ intake, directory, inFlight, ...limits, stats, onError })
  const http = createHttpServer({ intake, directory, inFlight, ...limits, stats, onError })

  const listening = {
    grpc: await listenGrpc(grpc, host, ports.grpc),
    http: await listenHttp(http, host, ports.http).catch((error: unknown) => {
      grpc.forceShutdown()
      throw error
    }),
  }
  const stopTicking = startTicking(commit, clock)
  const stopLearning = startLearning(quotas, clock, options)
  let closed: Promise<void> | null = null
  return {
    ports: listening,
    stats,
    get inFlightBytes() {
      return inFlight.bytes
    },
    close() {
      closed ??= (async () => {
        stopTicking()
        stopLearning()
        await Promise.all([closeGrpc(grpc, limits.drainMs), closeHttp(http, limits.drainMs)])
        await within(commit.drain(), limits.drainMs)
      })()
      return closed
    },
  }
}

async function createGroupCommit(
  { log, registry, onError }: ReceiverOptions,
  parts: { readonly clock: Clock; readonly limits: ReceiverLimits; readonly stats: ReceiverStats },
): Promise<GroupCommit> {
  const topic = telemetryRaw.name
  const info = (await log.topics()).find(({ name }) => name === topic)
  if (info === undefined) throw new OperatorError(`the log has no topic ${topic}; start with the role stages once`)
  const schemaId = await registry.register(`${topic}-value`, telemetryRaw.codec.schema)
  const lastReceivedAt = await Promise.all(
    info.bounds.map(async ({ partition, begin, end }) => {
      if (begin === end) return 0
      const [newest] = await log.read(topic, partition, end - 1, { maxBytes: 1, maxRecords: 1 })
      // The record's own time is in microseconds, of which the log keeps the milliseconds.
      return newest === undefined ? 0 : newest.timestamp * 1000 + 999
    }),
  )
  return new GroupCommit({ log, topic, partitions: info.partitions, schemaId, lastReceivedAt, onError, ...parts })
}

function startTicking(commit: GroupCommit, clock: Clock): () => void {
  let cancel = () => {}
  const next = () => {
    cancel = clock.after(commit.tick(), next)
  }
  next()
  return () => cancel()
}

/** Until the first answer, and while there is none, quotas count what came here. */
function startLearning(quotas: Quotas, clock: Clock, { usageToday, onError }: ReceiverOptions): () => void {
  if (usageToday === undefined) return () => {}
  let cancel = () => {}
  let stopped = false
  const next = () => {
    const askedAt = clock.now()
    usageToday()
      .then((usages) => quotas.learn(usages, askedAt))
      .catch((error: unknown) => onError?.(error))
      .finally(() => {
        if (!stopped) cancel = clock.after(LEARN_EVERY_MS, next)
      })
  }
  next()
  return () => {
    stopped = true
    cancel()
  }
}

function listenGrpc(server: GrpcServer, host: string, port: number): Promise<number> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound)
      else reject(cannotListen('OTLP/gRPC', host, port, 'MILLRACE_OTLP_GRPC_PORT', error))
    })
  })
}

async function listenHttp(server: HttpServer, host: string, port: number): Promise<number> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw cannotListen('OTLP/HTTP', host, port, 'MILLRACE_OTLP_HTTP_PORT', error as Error)
  }
  return (server.address() as AddressInfo).port
}

function cannotListen(what: string, host: string, port: number, setting: string, cause: Error): OperatorError {
  const why = cause.message.includes('EADDRINUSE') ? 'the port is taken' : cause.message
  return new OperatorError(`${what} cannot listen on ${host} port ${port}: ${why}. Choose another with ${setting}.`)
}

/** Waits for calls under way, then cuts off what is left. */
async function closeGrpc(server: GrpcServer, drainMs: number): Promise<void> {
  await within(new Promise<void>((resolve) => server.tryShutdown(() => resolve())), drainMs)
  server.forceShutdown()
}

async function closeHttp(server: HttpServer, drainMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // A connection kept alive becomes idle without an event that says so.
  const closeIdle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS)
  await within(closed, drainMs)
  clearInterval(closeIdle)
  server.closeAllConnections()
  await closed
}

async function within(work: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs)
  })
  await Promise.race([work, timeout])
  clearTimeout(timer)
}
