/** A tail on a log in memory, behind the real HTTP server, and clients that keep what they are told. */
import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { Batch } from '#pipeline/batch/batch.ts'
import { columnOf, type Value } from '#pipeline/batch/column.ts'
import { Handover } from '#pipeline/runtime/handover.ts'
import { MemoryLog } from '#pipeline/testing/memory_log.ts'
import type { Principal } from '#schemas/directory.ts'
import type { QueryService } from '#schemas/query.ts'
import { telemetryEvents } from '#schemas/topics.ts'
import { createAccess, type RequestHead } from '../../api/access.ts'
import type { Caller } from '../../api/caller.ts'
import { probeRoutes } from '../../api/probe_routes.ts'
import { createHttpServer } from '../../server.ts'
import { createLiveTail, type LiveTailOptions } from '../live_tail.ts'

export const PROJECT = '00000000-0000-4000-8000-000000000001'
export const OTHER_PROJECT = '00000000-0000-4000-8000-000000000002'
const LOG_ID = 'ab000000-0000-4000-8000-00000000000a'

export interface Frame {
  readonly rows?: readonly Readonly<Record<string, unknown>>[]
  readonly skipped?: number
  readonly position?: string
  readonly history?: boolean
  readonly live?: boolean
  readonly error?: { readonly code: string; readonly message: string; readonly position?: number }
}

/** A batch of logs named one by one. */
export function logsOf(
  offset: number,
  names: readonly string[],
  place: { projectId?: string; partition?: number } = {},
): Batch {
  const { projectId = PROJECT, partition = 0 } = place
  const raw = { log: LOG_ID, topic: 'telemetry.raw.v1', partition, offset }
  const column = (type: 'text' | 'long', values: readonly Value[]) => columnOf(type, values)
  return {
    contract: 1,
    projectId,
    signal: 'logs',
    receivedAt: 1_767_225_600_000_000 + offset,
    eventCount: names.length,
    origin: { ...raw, previous: offset - 1 },
    raw,
    receivedBytes: 0,
    outcomes: new Map(),
    columns: new Map([
      [
        'timestamp',
        column(
          'long',
          names.map((_, row) => BigInt(1_767_225_600_000_000 + offset * 1000 + row)),
        ),
      ],
      ['name', column('text', names)],
    ]),
  }
}

export interface TailServer extends AsyncDisposable {
  readonly url: string
  readonly log: MemoryLog
  readonly keys: Map<string, Principal>
  /** By cookie. */
  readonly sessions: Map<string, Caller>
  append(...batches: Batch[]): Promise<void>
  connect(parameters?: Record<string, string>, options?: ClientOptions): TailClient
}

export interface ClientOptions {
  readonly key?: string | null
  readonly protocols?: string[]
  readonly headers?: Record<string, string>
  /** False: pings are not answered. */
  readonly autoPong?: boolean
}

const noQueries: QueryService = { query: () => Promise.reject(new Error('nobody may ask')) }

export async function createTailServer(
  options: Partial<LiveTailOptions> & { partitions?: number } = {},
): Promise<TailServer> {
  const log = new MemoryLog(LOG_ID)
  const topic = telemetryEvents
  const partitions = options.partitions ?? 1
  await log.createTopics([{ name: topic.name, partitions, retentionMs: 3_600_000, retentionBytes: null }])
  const principal = { projectId: PROJECT, projectName: 'default', keyId: 'k', scopes: ['read'] } as const
  const keys = new Map<string, Principal>([
    ['reader', principal],
    ['other', { ...principal, projectId: OTHER_PROJECT }],
    ['sender', { ...principal, scopes: ['ingest'] }],
  ])
  const byKey = createAccess({ directory: { authenticate: (key) => keys.get(key) ?? null } })
  const sessions = new Map<string, Caller>()
  const identify = async (head: RequestHead) =>
    (await byKey.identify(head)) ?? sessions.get(head.headers.cookie ?? '') ?? null
  const tail = createLiveTail({ log, topic, handover: new Handover(0), queries: noQueries, ...options })
  const http = await createHttpServer({
    host: '127.0.0.1',
    port: 0,
    access: { ...byKey, identify },
    routes: probeRoutes({ notReady: () => [], metrics: async () => tail.metrics(), topology: async () => ({}) }),
    upgrades: [tail],
  })
  return {
    url: http.url,
    log,
    keys,
    sessions,
    async append(...batches) {
      for (const batch of batches) {
        const { partition } = batch.origin
        await log.append([{ topic: topic.name, partition, value: topic.codec.encode(batch, 1), timestamp: 0 }])
      }
    },
    connect: (parameters = {}, client = {}) => new TailClient(http.url, parameters, client),
    [Symbol.asyncDispose]: () => http.close(),
  }
}

export class TailClient {
  readonly socket: WebSocket
  readonly frames: Frame[] = []
  /** Code and reason of the end; for a refused upgrade its status and body. */
  readonly ended: Promise<{ readonly code: number; readonly reason: string }>
  #changed = Promise.withResolvers<void>()

  constructor(url: string, parameters: Record<string, string>, options: ClientOptions) {
    const { key = 'reader', protocols = [], headers = {}, autoPong = true } = options
    const address = `${url.replace('http', 'ws')}/v1/tail?${new URLSearchParams(parameters)}`
    const authorization = key === null ? {} : { authorization: `Bearer ${key}` }
    this.socket = new WebSocket(address, protocols, { headers: { ...authorization, ...headers }, autoPong })
    this.ended = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }))
      this.socket.on('unexpected-response', async (_, response) => {
        resolve({ code: response.statusCode ?? 0, reason: Buffer.concat(await response.toArray()).toString() })
      })
      this.socket.on('error', () => {})
    })
    this.socket.on('message', (data) => {
      this.frames.push(JSON.parse(data.toString()))
      this.#changed.resolve()
      this.#changed = Promise.withResolvers()
    })
  }

  get rows(): readonly Readonly<Record<string, unknown>>[] {
    return this.frames.flatMap((frame) => frame.rows ?? [])
  }
  get names(): readonly unknown[] {
    return this.rows.map((row) => row.name)
  }
  get skipped(): number {
    return this.frames.reduce((sum, frame) => sum + (frame.skipped ?? 0), 0)
  }
  get position(): string | undefined {
    return this.frames.at(-1)?.position
  }

  /** Resolves once what was received is as wanted. @throws Error where the connection ends before */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      const ended = this.ended.then(({ code, reason }) => {
        if (!isSo()) throw new Error(`the tail ended: ${code} ${reason} ${JSON.stringify(this.frames.at(-1)?.error)}`)
      })
      await Promise.race([this.#changed.promise, ended])
    }
  }

  async close(): Promise<void> {
    this.socket.close()
    await once(this.socket, 'close')
  }
}
