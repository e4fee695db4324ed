/**
 * Sends load over OTLP/HTTP from a process of its own and prints what was acknowledged, as JSON.
 * Arguments: one JSON object, see {@link Load}.
 */
import { Agent, request } from 'node:http'
import { logsTemplate, spansTemplate, type Template } from './payload.ts'

export interface Load {
  readonly url: string
  readonly key: string
  readonly signal: 'logs' | 'traces'
  /** Events a request. */
  readonly batch: number
  /** Stop after so many events … */
  readonly events: number
  /** … sent at most this fast (events per second; 0 = as fast as it goes) … */
  readonly rate: number
  /** … over so many connections. */
  readonly connections: number
}

export interface LoadResult {
  readonly events: number
  readonly bytes: number
  readonly requests: number
  readonly refused: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
}

const TEMPLATES = 8

async function run(load: Load): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: load.connections })
  const make = load.signal === 'logs' ? logsTemplate : spansTemplate
  const result = { events: 0, bytes: 0, requests: 0, refused: 0 }
  const latencies: number[] = []
  let planned = 0
  const started = performance.now()

  async function connection(number: number): Promise<void> {
    const templates: Template[] = Array.from({ length: TEMPLATES }, (_, at) =>
      make(load.batch, number * TEMPLATES + at),
    )
    for (let turn = 0; planned < load.events; turn++) {
      planned += load.batch
      if (load.rate > 0) await until(started + ((planned - load.batch) / load.rate) * 1000)
      const template = templates[turn % TEMPLATES]
      const sent = performance.now()
      const status = await post(`${load.url}/v1/${load.signal}`, template.next())
      latencies.push(performance.now() - sent)
      result.requests++
      if (status === 200) {
        result.events += template.events
        result.bytes += template.bytes
      } else {
        result.refused++
        planned -= load.batch
        await until(performance.now() + 50)
      }
    }
  }

  function post(url: string, body: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      const headers = {
        'content-type': 'application/x-protobuf',
        'content-length': body.length,
        authorization: `Bearer ${load.key}`,
      }
      const outgoing = request(url, { method: 'POST', agent, headers }, (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode ?? 0))
      })
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }

  await Promise.all(Array.from({ length: load.connections }, (_, at) => connection(at)))
  agent.destroy()
  latencies.sort((a, b) => a - b)
  const at = (quantile: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * quantile))] ?? 0
  return { ...result, seconds: (performance.now() - started) / 1000, p50Ms: at(0.5), p99Ms: at(0.99) }
}

function until(time: number): Promise<void> | undefined {
  const wait = time - performance.now()
  return wait > 1 ? new Promise((resolve) => setTimeout(resolve, wait)) : undefined
}

console.log(JSON.stringify(await run(JSON.parse(process.argv[2]) as Load)))
