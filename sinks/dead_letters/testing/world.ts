/** The telemetry topology at work, with a stage that fails at what it is told to, and what then is stored. */
import { randomUUID } from 'node:crypto'
import type { Batch, Signal } from '#pipeline/batch/batch.ts'
import { valueAt } from '#pipeline/batch/column.ts'
import { eventIds } from '#pipeline/batch/event_id.ts'
import { createLogger } from '#pipeline/observability/logger.ts'
import type { Database } from '#pipeline/postgres/database.ts'
import { type Runtime, startRuntime } from '#pipeline/runtime/runtime.ts'
import { deadLetter, keep, mapEvents } from '#pipeline/stage/operators.ts'
import type { Sink } from '#pipeline/stage/sink.ts'
import { defineTransform } from '#pipeline/stage/transform.ts'
import { createSqliteStateStore } from '#pipeline/state/sqlite.ts'
import { MemoryLog } from '#pipeline/testing/memory_log.ts'
import { until } from '#pipeline/testing/until.ts'
import type { Topology } from '#pipeline/topology/topology.ts'
import type { LogsExport } from '#schemas/otlp/otlp.ts'
import { rawExport, START_MICROS } from '#schemas/otlp/testing/raw.ts'
import { type Export, rawRecordCodec } from '#schemas/raw_record.ts'
import { telemetryEvents, telemetryRaw } from '#schemas/topics.ts'
import { definePostgres } from '#sinks/postgres/postgres.ts'
import { telemetry } from '#topologies/telemetry.topology.ts'
import { createDeadLetters } from '../dead_letters.ts'

export const SHOP = randomUUID()

export interface World {
  readonly log: MemoryLog
  readonly topology: Topology
  readonly runtime: Runtime
  readonly deadLetters: ReturnType<typeof createDeadLetters>
  /** What the sink `shelf` has, by event id. */
  readonly stored: Map<string, string>
  /** Ids it was given more than once. */
  readonly twice: string[]
  /** Names that the stage `judge` and the sink cannot treat; change as you like. */
  readonly bad: { stage: Set<string>; sink: Set<string> }
  /** How often the stage `judge` was asked about an event, by its name. */
  readonly judged: Map<string, number>
  /** Appends a raw record with logs of these names. @returns its offset */
  send(names: readonly string[], projectId?: string): Promise<number>
  sendExports(exports: readonly Export[], projectId?: string, signal?: Signal): Promise<number>
  /** Waits until everything there is has been stored. */
  settled(): Promise<void>
  close(): Promise<void>
}

export async function createWorld(database: Database, log = new MemoryLog()): Promise<World> {
  const bad = { stage: new Set<string>(), sink: new Set<string>() }
  const stored = new Map<string, string>()
  const twice: string[] = []
  const judged = new Map<string, number>()
  const judge = defineTransform({
    name: 'judge',
    build: () =>
      mapEvents((event) => {
        const name = String(event.get('name'))
        judged.set(name, (judged.get(name) ?? 0) + 1)
        return bad.stage.has(name) ? deadLetter('condemned', `${name}: guilty on 3 counts`) : keep()
      }),
  })
  const topology = telemetry
    .insert(judge, { after: 'normalize' })
    .withSinks([shelf(stored, twice, bad), definePostgres({ database })])
  const states = createSqliteStateStore(':memory:')
  const logger = createLogger('silent')
  const runtime = await startRuntime({ topology, log, states, logger, partitions: 1, backoffMs: () => 10 })
  const deadLetters = createDeadLetters({
    ...{ database, log, topology },
    warn: () => {},
    onError: () => {},
  })
  let key = 0
  const sendExports: World['sendExports'] = async (exports, projectId = SHOP, signal = 'logs') => {
    const receivedAt = START_MICROS + key * 1000
    const value = rawRecordCodec.encode({ projectId, signal, receivedAt, exports }, schemaId(telemetryRaw.name))
    const record = { topic: telemetryRaw.name, partition: 0, value, timestamp: receivedAt / 1000 }
    return (await log.append([record]))[0]
  }
  const schemaId = (topic: string) => runtime.schemaIds.get(topic)!
  return {
    ...{ log, topology, runtime, deadLetters, stored, twice, bad, judged },
    sendExports,
    send: (names, projectId) => sendExports([rawExport(logs(names), 'logs', ++key)], projectId),
    async settled() {
      const { end } = await log.bounds(telemetryRaw.name, 0)
      await until(async () => {
        const positions = await Promise.all(['shelf', 'postgres'].map((group) => log.positions(group)))
        return positions.every(([position]) => position?.reached[0] === end - 1)
      })
    },
    async close() {
      await deadLetters.close()
      await runtime.close()
      await states.close()
    },
  }
}

export function logs(names: readonly string[]): LogsExport {
  return { resourceLogs: [{ scopeLogs: [{ logRecords: names.map((eventName) => ({ eventName })) }] }] }
}

/** A sink whose storage is a map. */
function shelf(stored: Map<string, string>, twice: string[], bad: World['bad']): Sink {
  let reached = -1
  const grown: (() => void)[] = []
  return {
    name: 'shelf',
    consumes: telemetryEvents,
    check(batch) {
      for (const name of namesOf(batch)) if (bad.sink.has(name)) throw new TypeError(`${name} does not fit the shelf`)
    },
    async open() {
      return {
        async write(batch) {
          if (batch.origin.offset <= reached) return
          reached = batch.origin.offset
          const id = eventIds(batch)
          for (const [row, name] of namesOf(batch).entries()) {
            if (stored.has(id(row))) twice.push(id(row))
            stored.set(id(row), name)
          }
          for (const wake of grown.splice(0)) wake()
        },
        storedUpTo: () => reached,
        progress: () => new Promise<void>((resolve) => void grown.push(resolve)),
        flush: async () => {},
        close: async () => {},
      }
    },
  }
}

function namesOf(batch: Batch): string[] {
  const column = batch.columns.get('name')
  return Array.from({ length: batch.eventCount }, (_, row) =>
    String(column === undefined ? null : valueAt(column, row)),
  )
}
