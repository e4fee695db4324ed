/**
 * Replay of stored logs into a fresh lake, from the embedded log: `node pipeline/bench/replay.bench.ts` (REPLAY_EVENTS,
 * 1,000,000; `beside` measures what it does to live events). Raw records of 2,000 events are appended to the log directly; only the process that replays is measured.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createEmbeddedLog, type EmbeddedLog } from '#pipeline/log/embedded/embedded.ts'
import { migrate } from '#pipeline/postgres/migrate.ts'
import { createTestPostgres } from '#pipeline/postgres/testing.ts'
import { rawRecordCodec } from '#schemas/raw_record.ts'
import { telemetryRaw } from '#schemas/topics.ts'
import { addGeneration, getGeneration } from '#sinks/postgres/catalogue.ts'
import { prepareProjections } from '#sinks/postgres/generations.ts'
import { TELEMETRY_PROJECTIONS } from '#sinks/postgres/telemetry_projections.ts'
import { createReplayProcess } from '#sinks/replay/replay_process.ts'
import { TEST_KEY } from '../../end_to_end/server.ts'
import type { ReplayChildSettings } from '../../replay_child.ts'
import { atLeast, atMost, type Figure, type Scenario } from './figure.ts'
import { logsTemplate } from './payload.ts'
import { quantile, visibleAfterMs } from './probe.ts'
import { cpuSeconds, residentBytes } from './process_tree.ts'
import { startBenchServer } from './server.ts'

const EVENTS_PER_RECORD = 2_000
const APPEND_RECORDS = 8

async function fill(log: EmbeddedLog, events: number, projectId: string): Promise<void> {
  const { name, retentionMs, codec } = telemetryRaw
  await log.createTopics([{ name, partitions: 1, retentionMs, retentionBytes: null }])
  const schemaId = await log.register(`${name}-value`, codec.schema)
  const templates = Array.from({ length: 8 }, (_, seed) => logsTemplate(EVENTS_PER_RECORD, seed))
  for (let done = 0; done < events; ) {
    const records = Array.from({ length: APPEND_RECORDS }, (_, at) => {
      const receivedAt = Date.now() * 1000
      const body = templates[at % templates.length].next()
      const part = { key: randomBytes(16), receivedAt, contentType: 'application/x-protobuf' as const, body }
      const exports = [{ ...part, eventCount: EVENTS_PER_RECORD, refused: [] }]
      const value = rawRecordCodec.encode({ projectId, signal: 'logs', receivedAt, exports }, schemaId)
      return { topic: name, partition: 0, value, timestamp: receivedAt / 1000 }
    })
    await log.append(records)
    done += EVENTS_PER_RECORD * APPEND_RECORDS
  }
}

export const replay: Scenario = async () => {
  const events = Number(process.env.REPLAY_EVENTS ?? 1_000_000)
  const folder = mkdtempSync(join(tmpdir(), 'millrace-replay-bench-'))
  const postgres = await createTestPostgres()
  const { database } = postgres
  await migrate(database, join(import.meta.dirname, '../../schemas/postgres'))
  const projectId = '11111111-1111-4111-8111-111111111111'
  const log = await createEmbeddedLog({ directory: join(folder, 'log') })
  await fill(log, events, projectId)
  await prepareProjections(database, TELEMETRY_PROJECTIONS)
  const { generation } = await addGeneration(database, TELEMETRY_PROJECTIONS, {
    ...{ beginWith: { kind: 'beginning' }, beginOffsets: [0], carriedTo: null, stages: '', withProjections: true },
  })
  const settings: ReplayChildSettings = {
    log: { directory: join(folder, 'log') },
    archive: null,
    lake: { url: `file:${join(folder, 'lake')}` },
    cache: { directory: join(folder, 'cache'), maxBytes: 2 ** 30 },
    stateDir: join(folder, 'replay'),
    connection: postgres.server.connection,
    folder,
    retentions: [],
  }
  const started = performance.now()
  const child = createReplayProcess({
    module: new URL('../../replay_child.ts', import.meta.url).href,
    ...{ settings, generation, warn: console.error },
  })
  const samples: number[] = []
  let cpu = 0
  try {
    for (;;) {
      const { state, reason, progress } = await getGeneration(database, generation)
      if (state === 'failed') throw new Error(reason ?? state)
      samples.push(residentBytes(child.pid!) / 2 ** 20)
      cpu = cpuSeconds(child.pid!)
      if (process.env.REPLAY_VERBOSE !== undefined) console.error(JSON.stringify(progress), samples.at(-1), cpu)
      if (state === 'caught_up') break
      await delay(1_000)
    }
    const seconds = (performance.now() - started) / 1000
    return figuresOf(events, seconds, cpu, samples)
  } finally {
    await child.close()
    await log.close()
    await postgres.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const STORED = 1_500_000
const LIVE_RATE = 5_000

/** What a replay does to what comes in meanwhile: 5,000 events/s, from acknowledged to visible, without one and beside one. */
export const replayBeside: Scenario = async () => {
  const server = await startBenchServer()
  await server.load({ signal: 'logs', batch: 2_000, events: STORED, rate: 0, connections: 4 })
  await server.settled()
  let probes = 0
  const measured = async (goesOn: () => Promise<boolean>) => {
    const latencies: number[] = []
    while (await goesOn()) latencies.push(await visibleAfterMs(server, `probe-${probes++}`))
    return latencies
  }
  const live = () =>
    server.load({ signal: 'logs', batch: 100, events: LIVE_RATE * 60, rate: LIVE_RATE, connections: 2 })
  const background = live()
  await delay(2_000)
  let left = 60
  const without = await measured(async () => left-- > 0)
  const body = JSON.stringify({ begin: { kind: 'beginning' } })
  const headers = { authorization: `Bearer ${TEST_KEY}`, 'content-type': 'application/json' }
  const started = await fetch(`${server.httpUrl}/v1/replays`, { method: 'POST', headers, body })
  if (!started.ok) throw new Error(await started.text())
  const startedMs = performance.now()
  const beside = await measured(async () => {
    const { items } = (await (await server.get('/v1/replays')).json()) as { items: { state: string }[] }
    return items[0].state === 'running'
  })
  const seconds = (performance.now() - startedMs) / 1000
  const sent = await background
  await server.stop()
  const of = (latencies: number[]) =>
    `p50 ${quantile(latencies, 0.5).toFixed(0)}, p99 ${quantile(latencies, 0.99).toFixed(0)} ms of ${latencies.length}`
  const detail =
    `${of(beside)}; without a replay ${of(without)}; ${STORED} stored and what came replayed in ${seconds.toFixed(0)} s; ` +
    `${sent.refused} refused, acknowledged p99 ${sent.p99Ms.toFixed(0)} ms`
  return [atMost('acknowledged → visible beside a replay, p99', quantile(beside, 0.99), 'ms', 1_000, detail)]
}

function figuresOf(events: number, seconds: number, cpu: number, samples: readonly number[]): Figure[] {
  const third = Math.floor(samples.length / 3)
  const mean = (part: readonly number[]) => part.reduce((sum, value) => sum + value, 0) / part.length
  const thirds = [0, 1, 2].map((part) => mean(samples.slice(part * third, (part + 1) * third)).toFixed(0))
  const detail =
    `${events} events in ${seconds.toFixed(1)} s, everything stored; ${cpu.toFixed(1)} CPU s, ${Math.round(events / cpu)} per CPU-second; ` +
    `memory: highest ${Math.max(...samples).toFixed(0)} MB, means of thirds ${thirds.join(', ')} MB`
  return [atLeast('replay into a fresh lake', events / seconds, 'events/s', 60_000, detail)]
}

if (process.argv[1] === import.meta.filename) {
  const scenario = process.argv[2] === 'beside' ? replayBeside : replay
  for (const { what, value, unit, detail } of await scenario()) {
    console.log(`${what}: ${Math.round(value)} ${unit}  ${detail}`)
  }
  process.exit(0)
}
