/**
 * # 6. Running it
 *
 * `npm run new:stage redact_emails` makes a file with a test, and says what to put into `millrace.config.ts` in the folder that
 * millrace is started from:
 *
 * ```ts
 * import type { Topology } from 'millrace'
 * import { redactEmails } from './stages/redact_emails.ts'
 *
 * export default (telemetry: Topology) => telemetry.insert(redactEmails, { after: 'normalize' })
 * ```
 *
 * The next start has it. The stage before it now writes a topic made for it, and it writes the one the other wrote: whoever
 * reads that goes on where it stands. Take it out again the same way; events in flight arrive once either way.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { startServer, TEST_KEY, type TestServer } from '../../../end_to_end/server.ts'
import { configFolder } from '../../../end_to_end/testing/config_folder.ts'

const CONFIG = `
import type { Topology } from 'millrace'
import { redactEmails } from './pipeline/docs/guide/01_a_first_stage.test.ts'
export default (telemetry: Topology) => telemetry.insert(redactEmails, { after: 'normalize' })`

async function send(server: TestServer, body: string): Promise<void> {
  const response = await fetch(`${server.otlpUrl}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` },
    body: JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: body } }] }] }] }),
  })
  assert.equal(response.status, 200)
}

/** Asks until there are so many. */
async function bodies(server: TestServer, count: number): Promise<string[]> {
  for (const deadline = performance.now() + 5_000; ; ) {
    const rows = await server.query(
      'select body from otel_logs_and_spans where body is not null order by timestamp, id',
    )
    if (rows.length >= count || performance.now() > deadline) return rows.map(([body]) => String(body))
  }
}

it('plugs a stage in and takes it out again, between two starts', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-guide-'))
  const folder = configFolder(CONFIG.replace('./pipeline', '../pipeline'))
  try {
    let server = await startServer({ dataDir, cwd: folder })
    const topology = (await (await server.get('/v1/topology')).json()) as { stages: { name: string }[] }
    assert.deepEqual(
      topology.stages.map(({ name }) => name),
      ['normalize', 'redact_emails', 'flatten_attributes', 'fingerprint_errors'],
    )
    await send(server, 'mail ann@example.com')
    assert.deepEqual(await bodies(server, 1), ['mail [e-mail]'])
    await server.stop()

    server = await startServer({ dataDir })
    await send(server, 'mail bob@example.com')
    assert.deepEqual(await bodies(server, 2), ['mail [e-mail]', 'mail bob@example.com'])
    await server.stop()
  } finally {
    rmSync(folder, { recursive: true })
    rmSync(dataDir, { recursive: true, force: true })
  }
})
