/** `millrace groups reset` on every stage and sink of a real data folder: nothing is lost, nothing comes twice. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { startServer, TEST_KEY, type TestServer } from './server.ts'

const EXPORTS = 20

async function send(server: TestServer, first: number): Promise<void> {
  for (let at = first; at < first + EXPORTS; at++) {
    const logRecords = [{ timeUnixNano: `${Date.now()}000000`, eventName: `e${at}`, body: { stringValue: 'x' } }]
    const response = await fetch(`${server.otlpUrl}/v1/logs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` },
      body: JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }),
    })
    assert.equal(response.status, 200)
  }
}

function groups(dataDir: string, ...args: string[]): string {
  const env = { ...process.env, MILLRACE_DATA_DIR: dataDir }
  const main = join(import.meta.dirname, '../main.ts')
  return execFileSync(process.execPath, [main, 'groups', ...args], { env }).toString()
}

/** Rows and distinct names, once there are as many rows as wanted and no stage has anything left to read. */
async function settled(server: TestServer, wanted: number): Promise<unknown[]> {
  const deadline = performance.now() + 20_000
  for (;;) {
    const { parts } = (await (await server.get('/v1/topology')).json()) as {
      parts: { kind: string; lag_records: number }[]
    }
    const stages = parts.filter(({ kind }) => kind === 'stage')
    const [counts] = await server.query('select count(*), count(distinct name) from otel_logs_and_spans')
    const done = Number(counts[0]) >= wanted && stages.every(({ lag_records }) => lag_records === 0)
    if (done || performance.now() > deadline) return counts.map(Number)
  }
}

it('every group can be reset, each stored event stays there once, and new ones still arrive', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-reset-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  let server = await startServer({ dataDir })
  await send(server, 0)
  await settled(server, EXPORTS)
  await server.stop()
  const listed = groups(dataDir, 'list', '-f', 'json').trim().split('\n')
  const names = listed.map((line) => JSON.parse(line).group as string)
  assert.deepEqual(
    new Set(names),
    new Set(['normalize', 'flatten_attributes', 'fingerprint_errors', 'lake', 'postgres']),
  )

  let expected = EXPORTS
  for (const chosen of [...names.map((name) => [name]), names]) {
    for (const name of chosen) assert.match(groups(dataDir, 'reset', name), new RegExp(`^${name} has forgotten`))
    server = await startServer({ dataDir })
    await send(server, expected)
    expected += EXPORTS
    assert.deepEqual(await settled(server, expected), [expected, expected], `after a reset of ${chosen}`)
    assert.equal((await server.get('/readyz')).status, 200)
    await server.stop()
  }
})
