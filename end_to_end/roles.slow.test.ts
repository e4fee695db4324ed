/** Parts of millrace, each a process: on the embedded log one after the other. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { until } from '#pipeline/testing/until.ts'
import { encodeLogs } from '#schemas/otlp/testing/encode.ts'
import { startServer, TEST_KEY, type TestServer } from './server.ts'

async function send(server: TestServer, name: string): Promise<number> {
  const logRecords = [{ timeUnixNano: `${Date.now()}000000`, eventName: name, body: { stringValue: name } }]
  const { status } = await fetch(`${server.otlpUrl}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', authorization: `Bearer ${TEST_KEY}` },
    body: encodeLogs({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }) as Uint8Array<ArrayBuffer>,
  })
  return status
}

/** Records behind, by the stage's or sink's name, of those that have the partition here. */
async function lags(server: TestServer): Promise<Map<string, number>> {
  const text = await (await server.get('/metrics')).text()
  const found = text.matchAll(/^millrace_part_lag_records\{part="(\w+)",partition="0"\} (\d+)$/gm)
  return new Map([...found].map(([, part, records]) => [part, Number(records)]))
}

it('takes in, runs the stages and answers in processes of their own', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-roles-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  const running: TestServer[] = []
  t.after(() => Promise.all(running.map((server) => server.stop('SIGKILL'))))
  const start = async (...args: string[]) => {
    const server = await startServer({ dataDir, args })
    running.push(server)
    return server
  }

  const receiver = await start('--roles', 'receive')
  assert.equal(await send(receiver, 'first'), 200)
  assert.equal((await receiver.get('/v1/projects')).status, 404, 'no API')
  assert.equal((await receiver.get('/')).status, 404, 'no page')
  assert.deepEqual(await lags(receiver), new Map(), 'no stage')
  assert.equal(await receiver.stop(), 0)

  const normalizing = await start('--stage', 'normalize')
  await until(async () => (await lags(normalizing)).get('normalize') === 0)
  assert.deepEqual([...(await lags(normalizing)).keys()], ['normalize'])
  await assert.rejects(send(normalizing, 'refused'), 'nobody listens')
  const { parts } = (await (await normalizing.get('/v1/topology')).json()) as {
    parts: { name: string; lag_records: number; partitions: { condition: string }[] }[]
  }
  const flattening = parts.find(({ name }) => name === 'flatten_attributes')!
  assert.equal(flattening.partitions[0].condition, 'unassigned')
  assert.ok(flattening.lag_records > 0, 'what others have yet to do can be seen')
  assert.equal(await normalizing.stop(), 0)

  const rest = await start('--roles', 'stages,lake')
  await until(async () => {
    const behind = await lags(rest)
    return behind.size === 5 && [...behind.values()].every((records) => records === 0)
  })
  assert.equal(await rest.stop(), 0)

  const answering = await start('--roles', 'query,ui')
  assert.deepEqual(await answering.query('select name from otel_logs_and_spans'), [['first']])
  assert.equal(await answering.stop(), 0)
})
