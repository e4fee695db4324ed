/**
 * `ws://…/v1/tail?filter=…&from=-15m`: events as they come. Frames are JSON, see README.md. Nothing upstream ever waits
 * for a viewer: who is slow loses rows and is told how many.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { OperatorError } from '#pipeline/errors/errors.ts'
import type { MetricFamily } from '#pipeline/observability/prometheus.ts'
import { compilePredicate } from '#schemas/filter/predicate.ts'
import { QueryError, type QueryService } from '#schemas/query.ts'
import type { TableColumn } from '#schemas/tables/tables.ts'
import type { Caller } from '../api/caller.ts'
import { ApiError } from '../api/problem.ts'
import { refuseUpgrade, type UpgradeRoute } from '../upgrades.ts'
import { CLOSE, Connection } from './connection.ts'
import { createFeed, type FeedOptions } from './feed.ts'
import { readHistory } from './history.ts'
import { readRequest, TailError } from './request.ts'
import { RowBuffer } from './row_buffer.ts'
import { RowWriter } from './row_json.ts'
import { Viewer } from './viewer.ts'

export interface LiveTailOptions extends FeedOptions {
  readonly queries: QueryService
  readonly maxViewers?: number
  /** A viewer is asked for a sign of life this often, ms; two missed, and it is gone. */
  readonly heartbeatMs?: number
  /** Stored rows a tail begins with at most. */
  readonly maxHistoryRows?: number
  /** What waits for one viewer at most. */
  readonly bufferRows?: number
  readonly bufferSize?: number
  /** What all viewers together are sent at most, characters a second; each has the same share. */
  readonly sendPerSecond?: number
}

export interface LiveTail extends UpgradeRoute {
  readonly viewers: number
  metrics(): readonly MetricFamily[]
}

/** Rows wait this long for others to share a frame with. */
const FLUSH_MS = 20
/** How often it is asked again whether viewers may: revoking a key or a membership works at once. */
const RECHECK_MS = 1_000
/** Of the subprotocols offered this one is spoken; browsers offer it beside `bearer.<key>`. */
const SUBPROTOCOL = 'millrace.tail.v1'
/** Viewers have nothing to say. */
const MAX_MESSAGE_BYTES = 1024

interface Watching {
  /** @throws TransientError where it cannot be known */
  readonly stillMay: () => Promise<boolean>
  readonly connection: Connection
  readonly viewer: Viewer
}

export function createLiveTail(options: LiveTailOptions): LiveTail {
  const { topic, queries, maxViewers = 256, heartbeatMs = 15_000, maxHistoryRows = 1_000 } = options
  const { bufferRows = 10_000, bufferSize = 2 << 20, sendPerSecond = 32 << 20 } = options
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  })
  const feed = createFeed(options)
  const watching = new Set<Watching>()
  const writers = new Map<string, WeakRef<RowWriter>>()
  const counts = { sent: 0, skipped: 0 }
  let flushing: NodeJS.Timeout | undefined
  let flushedAt = performance.now()

  function flushAll(): void {
    flushing = undefined
    const now = performance.now()
    const share = sendPerSecond / Math.max(1, watching.size)
    const elapsedSeconds = Math.min(1, (now - flushedAt) / 1000)
    flushedAt = now
    let waiting = false
    for (const { connection, viewer } of watching) {
      connection.allow(share * elapsedSeconds, share)
      const result = connection.flush(viewer.positions)
      if (result === null) waiting = true
      else {
        counts.sent += result.sent
        counts.skipped += result.skipped
        viewer.drained()
      }
    }
    if (waiting) flushSoon()
  }
  const flushSoon = () => {
    flushing ??= setTimeout(flushAll, FLUSH_MS)
  }

  const beating = setInterval(() => {
    for (const { connection, viewer } of watching) if (!connection.beat(viewer.positions)) connection.terminate()
  }, heartbeatMs).unref()
  const rechecking = setInterval(() => {
    for (const entry of watching) recheck(entry)
  }, RECHECK_MS).unref()

  function watch(socket: WebSocket, request: IncomingMessage, caller: Caller, stillMay: Watching['stillMay']): void {
    const buffer = new RowBuffer({ maxRows: bufferRows, maxSize: bufferSize })
    const connection = new Connection(socket, buffer)
    const gone = new AbortController()
    let leave = () => {}
    socket.on('error', () => socket.terminate())
    socket.on('close', () => {
      gone.abort()
      leave()
    })
    follow().catch((error: unknown) => {
      if (!gone.signal.aborted) fail(connection, error)
    })

    async function follow(): Promise<void> {
      const wanted = readRequest(new URL(request.url ?? '', 'ws://tail').searchParams, topic.name, Date.now())
      const viewer = new Viewer({
        ...options,
        projectId: caller.projectId,
        table: wanted.table,
        passes: compilePredicate(wanted.filter),
        writer: writerOf(wanted.columns),
        buffer,
        feed,
        arrived: flushSoon,
        failed: (error) => fail(connection, error),
      })
      const entry = { stillMay, connection, viewer }
      watching.add(entry)
      leave = () => {
        watching.delete(entry)
        feed.unsubscribe(viewer)
        viewer.drained()
      }
      if (wanted.resume !== null) await checkResume(wanted.resume)
      let start = wanted.resume
      if (start === null && wanted.from !== null) {
        const history = await readHistory(queries, caller, wanted, maxHistoryRows, gone.signal)
        connection.sendHistory(history.rows, history.asOf)
        start = history.asOf
      }
      if (gone.signal.aborted) return
      await viewer.follow(start, gone.signal)
      if (!gone.signal.aborted) connection.sendLive(viewer.positions)
    }
  }

  async function checkResume(positions: readonly { partition: number; offset: number; log: string }[]): Promise<void> {
    const info = (await options.log.topics()).find(({ name }) => name === topic.name)
    const lost = positions.some(({ partition, offset, log }) => {
      const bounds = info?.bounds[partition]
      return log !== options.log.id || bounds === undefined || offset < bounds.begin || offset > bounds.end
    })
    if (!lost && positions.length === info?.partitions) return
    throw new TailError('resume_gone', 'the log does not hold that position any more: ask with from= instead')
  }

  function writerOf(columns: readonly TableColumn[]): RowWriter {
    const name = columns.map((column) => column.name).join()
    const known = writers.get(name)?.deref()
    if (known !== undefined) return known
    for (const [other, reference] of writers) if (reference.deref() === undefined) writers.delete(other)
    const writer = new RowWriter(columns)
    writers.set(name, new WeakRef(writer))
    return writer
  }

  return {
    path: '/v1/tail',
    summary: 'Events as they come, over a WebSocket.',
    access: 'viewer',
    get viewers() {
      return sockets.clients.size
    },
    upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, caller: Caller, stillMay: () => Promise<boolean>) {
      if (sockets.clients.size >= maxViewers) {
        const sentence = `${maxViewers} tails are open already: close one, or try again later`
        return refuseUpgrade(socket, new ApiError(503, '53300', sentence))
      }
      sockets.handleUpgrade(request, socket, head, (client) => watch(client, request, caller, stillMay))
    },
    metrics: () => [
      family('viewers', 'Tails open.', 'gauge', sockets.clients.size),
      family('rows_sent_total', 'Rows sent to tails.', 'counter', counts.sent),
      family('rows_skipped_total', 'Rows left out of tails that were too slow.', 'counter', counts.skipped),
    ],
    async close() {
      for (const timer of [beating, rechecking]) clearInterval(timer)
      clearTimeout(flushing)
      feed.close()
      for (const client of sockets.clients) client.close(CLOSE.goingAway)
      // Who does not answer a close is not waited for.
      for (const client of sockets.clients) client.terminate()
      sockets.close()
    },
  }
}

/** Ends the tail of one who may not look any more, and of one of whom that cannot be known. */
function recheck({ stillMay, connection }: Watching): void {
  stillMay().then(
    (may) => {
      if (!may) connection.end(CLOSE.refused, { code: '28000', message: 'you may not see this any more' })
    },
    () => connection.end(CLOSE.tryAgain, { code: '08006', message: 'whether you may see this cannot be known now' }),
  )
}

function fail(connection: Connection, error: unknown): void {
  if (error instanceof TailError) {
    const { code, message, position } = error
    connection.end(CLOSE.refused, { code, message, position })
  } else if (error instanceof QueryError) {
    const { fault, code, message } = error.problem
    connection.end(fault === 'user' ? CLOSE.refused : CLOSE.tryAgain, { code, message })
  } else {
    const isGone = error instanceof OperatorError
    connection.end(CLOSE.broken, { code: isGone ? 'resume_gone' : 'XX000', message: (error as Error).message })
  }
}

function family(name: string, help: string, type: MetricFamily['type'], value: number): MetricFamily {
  return { name: `millrace_tail_${name}`, help, type, samples: [{ labels: {}, value }] }
}
