/**
 * `npm run bench [scenario …]`: the figures of RESULTS.md, each from a server of its own, measured from outside. Prints a
 * table and writes JSON to `bench-results.json` (or the file named by BENCH_OUT).
 */
import { readdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { loadSnapshot } from '#sinks/lake/delta/snapshot.ts'
import { createFileStore } from '#sinks/store/file_store.ts'
import { atLeast, atMost, type Figure, type Scenario } from './figure.ts'
import { kafka } from './kafka_logs.bench.ts'
import { killed } from './killed.bench.ts'
import { page } from './page.bench.ts'
import { quantile, visibleAfterMs } from './probe.ts'
import { replay, replayBeside } from './replay.bench.ts'
import { type BenchServer, startBenchServer } from './server.ts'
import { tail } from './tail.bench.ts'

/** Events per CPU-second of the whole tree, after a warm-up, until the last is in the Delta table. */
async function throughput(
  signal: 'logs' | 'traces',
  batch: number,
  events: number,
  connections = 4,
): Promise<{ perCpuSecond: number; detail: string; server: BenchServer }> {
  const server = await startBenchServer()
  await server.load({ signal, batch, events: Math.ceil(events / 3), rate: 0, connections })
  await server.settled()
  const before = server.cpuSeconds()
  const sent = await server.load({ signal, batch, events, rate: 0, connections })
  await server.settled()
  const cpu = server.cpuSeconds() - before
  const perWall = Math.round(sent.events / sent.seconds)
  const detail = `${sent.events} events, ${cpu.toFixed(1)} CPU s, ${perWall}/s acknowledged, ack p50 ${sent.p50Ms.toFixed(0)} ms, p99 ${sent.p99Ms.toFixed(0)} ms`
  return { perCpuSecond: sent.events / cpu, detail, server }
}

const logs: Scenario = async () => {
  const { perCpuSecond, detail, server } = await throughput('logs', 2_000, 2_400_000)
  const figures = [atLeast('logs, 2,000 a request', perCpuSecond, 'per CPU-second', 40_000, detail)]
  figures.push(await storedBytes(server))
  await server.stop()
  return figures
}

/** Bytes of the live files of the logs table, per event in it, against the OTLP bytes of the same events. */
async function storedBytes(server: BenchServer): Promise<Figure> {
  const [[rows, otlpBytes]] = await server.query('select count(*), sum(message_size_bytes) from otel_logs_and_spans')
  const lake = join(server.dataDir, 'lake')
  const store = createFileStore(lake)
  const { files } = await loadSnapshot(store, `${readdirSync(lake)[0]}/otel_logs_and_spans`)
  const bytes = [...files.values()].reduce((sum, file) => sum + file.size, 0)
  const detail = `${(bytes / Number(rows)).toFixed(1)} bytes a row for ${(Number(otlpBytes) / Number(rows)).toFixed(0)}, in ${files.size} files`
  return atLeast('OTLP bytes per byte stored', Number(otlpBytes) / bytes, '×', 5, detail)
}

const spans: Scenario = async () => {
  const { perCpuSecond, detail, server } = await throughput('traces', 2_000, 1_200_000)
  await server.stop()
  return [atLeast('spans, 2,000 a request', perCpuSecond, 'per CPU-second', 25_000, detail)]
}

const small: Scenario = async () => {
  const { perCpuSecond, detail, server } = await throughput('logs', 20, 400_000, 64)
  await server.stop()
  return [atLeast('logs, 20 a request', perCpuSecond, 'per CPU-second', 15_000, detail)]
}

/** From the acknowledgement of an event to the first answer that has it, while 5,000 events/s come in. */
const visible: Scenario = async () => {
  const server = await startBenchServer()
  await server.get('/metrics')
  const background = server.load({ signal: 'logs', batch: 100, events: 200_000, rate: 5_000, connections: 2 })
  await delay(2_000)
  const latencies: number[] = []
  for (let probe = 0; probe < 60; probe++) {
    latencies.push(await visibleAfterMs(server, `probe-${probe}`))
  }
  await background
  const stall = await longestStall(server)
  await server.stop()
  const at = (part: number) => quantile(latencies, part)
  const detail = `p50 ${at(0.5).toFixed(0)} ms, worst ${at(1).toFixed(0)} ms, ${latencies.length} probes, the query's own time included`
  return [atMost('acknowledged → visible in SQL, p99', at(0.99), 'ms', 1_000, detail), stall]
}

async function longestStall(server: BenchServer): Promise<Figure> {
  const text = await (await server.get('/metrics')).text()
  const max = Number(/millrace_event_loop_delay_seconds\{quantile="1"\} (\S+)/.exec(text)?.[1])
  return atMost('longest main-thread stall', max * 1000, 'ms', 50, 'since the last scrape')
}

/** Memory and stalls over BENCH_MINUTES (10) at 10,000 events/s. */
const steady: Scenario = async () => {
  const minutes = Number(process.env.BENCH_MINUTES ?? 10)
  const server = await startBenchServer()
  const rate = 10_000
  await server.get('/metrics')
  const load = server.load({ signal: 'logs', batch: 500, events: rate * 60 * minutes, rate, connections: 4 })
  const samples: number[] = []
  const cpu = server.cpuSeconds()
  let running = true
  const sampling = (async () => {
    while (running) {
      samples.push(server.residentBytes() / 2 ** 20)
      await delay(1_000)
    }
  })()
  const sent = await load
  running = false
  await sampling
  const stall = await longestStall(server)
  const cores = (server.cpuSeconds() - cpu) / sent.seconds
  await server.stop()
  const third = Math.floor(samples.length / 3)
  const mean = (part: number[]) => part.reduce((sum, value) => sum + value, 0) / part.length
  const detail = `mean of thirds ${[0, 1, 2].map((part) => mean(samples.slice(part * third, (part + 1) * third)).toFixed(0)).join(', ')} MB; ${cores.toFixed(2)} cores; ${sent.refused} refused`
  return [
    atMost(`memory, ${minutes} minutes at 10,000 events/s, highest`, Math.max(...samples), 'MB', 900, detail),
    stall,
  ]
}

const start: Scenario = async () => {
  const first = await startBenchServer()
  await first.stop()
  return [atMost('start to ready', first.readySeconds, 's', 5)]
}

const SCENARIOS: Record<string, Scenario> = {
  ...{ start, logs, spans, small, visible, tail, page },
  ...{ replay, replayBeside, steady, kafka, killed },
}

const chosen = process.argv.slice(2)
const figures: Figure[] = []
for (const [name, scenario] of Object.entries(SCENARIOS)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue
  console.error(`${name} …`)
  for (const figure of await scenario()) {
    figures.push(figure)
    const value = figure.value >= 100 ? Math.round(figure.value).toLocaleString('en') : figure.value.toFixed(2)
    console.log(
      `${figure.reached ? 'reached' : 'MISSED '}  ${figure.what}: ${value} ${figure.unit} (to reach: ${figure.toReach})  ${figure.detail ?? ''}`,
    )
  }
}
const machine = `${cpus()[0]?.model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`
writeFileSync(
  process.env.BENCH_OUT ?? 'bench-results.json',
  JSON.stringify({ machine, node: process.version, figures }, null, 2),
)
