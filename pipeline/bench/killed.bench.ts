/** From `kill -9` of the only worker to the next row in SQL: what people miss when a machine dies and another takes over. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startServer, TEST_KEY } from '../../end_to_end/server.ts'
import { startKafka } from '../testing/services/kafka.ts'
import { startRegistry } from '../testing/services/registry.ts'
import { atMost, type Figure, type Scenario } from './figure.ts'

const TRIES = 3

export const killed: Scenario = async () => {
  const figures = [await untilNextRow('the embedded log', {})]
  const [broker, registry] = await Promise.all([startKafka(), startRegistry()])
  const env = { MILLRACE_LOG: `kafka://${broker.brokers.join(',')}`, MILLRACE_SCHEMA_REGISTRY_URL: registry.url }
  figures.push(await untilNextRow('Kafka', env))
  await Promise.all([broker.close(), registry.close()])
  return figures
}

async function untilNextRow(log: string, env: Readonly<Record<string, string>>): Promise<Figure> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-killed-'))
  const seconds: number[] = []
  let server = await startServer({ dataDir, env })
  for (let turn = 0; turn < TRIES; turn++) {
    await send(server.otlpUrl, `before-${turn}`)
    await seen(server, `before-${turn}`)
    const started = performance.now()
    await server.stop('SIGKILL')
    server = await startServer({ dataDir, env })
    await send(server.otlpUrl, `after-${turn}`)
    await seen(server, `after-${turn}`)
    seconds.push((performance.now() - started) / 1000)
  }
  await server.stop()
  rmSync(dataDir, { recursive: true, force: true })
  const detail = `${seconds.map((each) => each.toFixed(1)).join(', ')} s`
  return atMost(`kill -9 of the only worker to the next row in SQL, ${log}`, Math.max(...seconds), 's', 10, detail)
}

async function send(url: string, eventName: string): Promise<void> {
  const headers = { authorization: `Bearer ${TEST_KEY}`, 'content-type': 'application/json' }
  const logRecords = [{ timeUnixNano: `${Date.now()}000000`, eventName, body: { stringValue: eventName } }]
  const body = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
  while ((await fetch(`${url}/v1/logs`, { method: 'POST', headers, body }).catch(() => null))?.status !== 200)
    await delay(20)
}

async function seen(server: Pick<Awaited<ReturnType<typeof startServer>>, 'query'>, name: string): Promise<void> {
  for (;;) {
    const rows = await server.query('select 1 from otel_logs_and_spans where name = $1', [name]).catch(() => [])
    if (rows.length > 0) return
    await delay(20)
  }
}
