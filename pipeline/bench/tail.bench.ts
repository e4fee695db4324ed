/** The live tail at 5,000 events/s: how late a row is, what fifty tails cost, whether two hundred are felt. */
import { setTimeout as delay } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { TEST_KEY } from '../../end_to_end/server.ts'
import { atLeast, atMost, type Figure, type Scenario } from './figure.ts'
import type { LoadResult } from './load.ts'
import { type BenchServer, startBenchServer } from './server.ts'

const RATE = 5_000
const SECONDS = Number(process.env.BENCH_TAIL_SECONDS ?? 20)
const PROBES = 200

export const tail: Scenario = async () => [...(await latency()), ...(await costOfFifty()), ...(await twoHundred())]

function load(server: BenchServer, seconds: number): Promise<LoadResult> {
  return server.load({ signal: 'logs', batch: 100, events: RATE * seconds, rate: RATE, connections: 2 })
}

/** Opens a tail. @param onFrame gets each frame as text @returns once it is live */
async function open(server: BenchServer, filter: string, onFrame: (frame: string) => void): Promise<WebSocket> {
  const url = `${server.httpUrl.replace('http', 'ws')}/v1/tail?${new URLSearchParams({ filter })}`
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${TEST_KEY}` } })
  await new Promise<void>((resolve, reject) => {
    socket.once('message', (data) =>
      data.toString().includes('"error"') ? reject(new Error(data.toString())) : resolve(),
    )
    socket.once('error', reject)
  })
  socket.on('message', (data) => onFrame(data.toString()))
  return socket
}

/** From the acknowledgement of an event to the frame that has it, on a tail that gets every event. */
async function latency(): Promise<Figure[]> {
  const server = await startBenchServer()
  const arrived = new Map<string, number>()
  let rows = 0
  const socket = await open(server, '', (frame) => {
    const now = performance.now()
    rows += frame.split('"timestamp":').length - 1
    for (const [name] of frame.matchAll(/probe-\d+/g)) if (!arrived.has(name)) arrived.set(name, now)
  })
  const background = load(server, 15)
  await delay(2_000)
  const latencies: number[] = []
  for (let at = 0; at < PROBES; at++) {
    const name = `probe-${at}`
    const acknowledged = await sendProbe(server, name)
    while (!arrived.has(name)) await new Promise((resolve) => setImmediate(resolve))
    latencies.push(Math.max(0, arrived.get(name)! - acknowledged))
    await delay(30)
  }
  await background
  socket.terminate()
  await server.stop()
  latencies.sort((a, b) => a - b)
  const quantile = (share: number) => latencies[Math.floor(latencies.length * share)]
  const detail = `worst ${latencies.at(-1)!.toFixed(0)} ms, ${PROBES} probes on a tail that got all ${rows} rows`
  return [
    atMost('acknowledged → on the WebSocket, p50', quantile(0.5), 'ms', 100, detail),
    atMost('acknowledged → on the WebSocket, p99', quantile(0.99), 'ms', 250, detail),
  ]
}

async function sendProbe(server: BenchServer, name: string): Promise<number> {
  const logRecords = [{ eventName: name, body: { stringValue: 'probe' } }]
  const response = await fetch(`${server.otlpUrl}/v1/logs`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TEST_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }),
  })
  if (!response.ok) throw new Error(`the probe was answered ${response.status}`)
  return performance.now()
}

/** Filters as people write them, no two alike; each passes some of every thousand events of the load. */
function filterOf(at: number): string {
  const two = String(at % 100).padStart(2, '0')
  const all = [
    `attributes->>'order.id' LIKE 'ord-${two}%'`,
    `attributes___user___id = 'u-1234${two}' OR level = 'ERROR' AND resource___service___name = 'cart'`,
    `"customer ${two}"`,
    `body ~ 'in ${at}\\d? ms' AND attributes___http___request___method IN ('PUT', 'DELETE')`,
    `level = 'ERROR' AND attributes___http___response___status_code >= ${400 + at}`,
  ]
  return all[at % all.length]
}

/** Cores of the whole tree while the load runs. */
async function cores(server: BenchServer): Promise<number> {
  const before = server.cpuSeconds()
  const { seconds } = await load(server, SECONDS)
  return (server.cpuSeconds() - before) / seconds
}

async function costOfFifty(): Promise<Figure[]> {
  const server = await startBenchServer()
  await load(server, 5)
  const without = await cores(server)
  let frames = 0
  const sockets = await Promise.all(
    Array.from({ length: 50 }, (_, at) =>
      open(server, filterOf(at), () => {
        frames++
      }),
    ),
  )
  const withTails = await cores(server)
  for (const socket of sockets) socket.terminate()
  const again = await cores(server)
  await server.stop()
  const base = (without + again) / 2
  const detail = `${base.toFixed(2)} cores without (${without.toFixed(2)} before, ${again.toFixed(2)} after), ${withTails.toFixed(2)} with; ${frames} frames`
  return [atMost('50 tails with different filters, cores more', withTails - base, 'cores', 0.15, detail)]
}

/** Two hundred, every tenth without a filter and deaf. */
async function twoHundred(): Promise<Figure[]> {
  const server = await startBenchServer()
  await load(server, 5)
  const before = await load(server, SECONDS)
  let frames = 0
  const sockets: WebSocket[] = []
  for (let at = 0; at < 200; at++) {
    const isStuck = at % 10 === 0
    const socket = await open(server, isStuck ? '' : filterOf(at), () => {
      frames++
    })
    if (isStuck) socket.pause()
    sockets.push(socket)
  }
  const after = await load(server, SECONDS)
  const metrics = await (await server.get('/metrics')).text()
  const skipped = Number(/^millrace_tail_rows_skipped_total (\S+)$/m.exec(metrics)?.[1])
  for (const socket of sockets) socket.terminate()
  const again = await load(server, SECONDS)
  await server.stop()
  const speed = ({ events, seconds }: LoadResult) => events / seconds
  const rate = speed(after) / ((speed(before) + speed(again)) / 2)
  const detail =
    `acknowledged in p50 ${before.p50Ms.toFixed(0)} ms, p99 ${before.p99Ms.toFixed(0)} ms before, ${again.p99Ms.toFixed(0)} ms after, ` +
    `${after.p50Ms.toFixed(0)} and ${after.p99Ms.toFixed(0)} ms with; ${frames} frames, ${skipped} rows skipped and said so, ${after.refused} refused`
  return [atLeast('ingestion with 200 tails, 20 of them stuck, of that without', rate * 100, '%', 98, detail)]
}
