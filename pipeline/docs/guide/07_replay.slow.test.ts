/**
 * # 7. Replay
 *
 * A stage that is plugged in treats what comes from now on. What is stored already was made without it. Everything received
 * is still in the raw topic, though, so it can be made anew, while millrace goes on:
 *
 * ```sh
 * npx millrace replay start --from beginning   # fills another generation of lake and projections, beside the live one
 * npx millrace replay compare                  # what differs: by table and day, with examples
 * npx millrace replay flip                     # SQL and the pages read it from now on
 * npx millrace replay discard 1                # the files and tables of the one before
 * ```
 *
 * It goes through today's stages in one go, writes to no topic and notifies nobody. When it has come to the end it keeps up with
 * what comes, until you flip to it or discard it. Kill it whenever you like: it goes on where it was. What comes in goes first.
 *
 * `--from 2026-11-26T14:00:00Z` (when it was received), or `--from 128000` (an offset of the raw topic), makes anew only what is
 * behind; older rows are carried over as they are. Projections stay then: they are sums, and half a sum is none.
 *
 * Where the raw topic does not go back to the beginning any more, `replay start` says what would be missing, and does
 * nothing until you say `--accept-missing`, or begin later.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { startServer, TEST_KEY, type TestServer } from '../../../end_to_end/server.ts'
import { millrace } from '../../../end_to_end/testing/command_line.ts'
import { configFolder } from '../../../end_to_end/testing/config_folder.ts'
import { until } from '../../testing/until.ts'

const CONFIG = `
import type { Topology } from 'millrace'
import { redactEmails } from '../pipeline/docs/guide/01_a_first_stage.test.ts'
export default (telemetry: Topology) => telemetry.insert(redactEmails, { after: 'normalize' })`

async function send(server: TestServer, body: string): Promise<void> {
  const response = await fetch(`${server.otlpUrl}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` },
    body: JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: body } }] }] }] }),
  })
  assert.equal(response.status, 200)
}

const bodies = async (server: TestServer) =>
  (await server.query('select id, body from otel_logs_and_spans where body is not null order by id')) as [
    string,
    string,
  ][]

it('makes what is stored anew with a stage that came later', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-guide-'))
  const folder = configFolder(CONFIG)
  const replay = (...args: string[]) => millrace(dataDir, ['replay', ...args])
  let server = await startServer({ dataDir })
  try {
    await send(server, 'mail ann@example.com')
    await until(async () => (await bodies(server)).length === 1)
    const [[id]] = await bodies(server)
    await server.stop()

    server = await startServer({ dataDir, cwd: folder })
    assert.deepEqual(await bodies(server), [[id, 'mail ann@example.com']], 'as it was stored')
    assert.equal((await replay('start', '--from', 'beginning')).code, 0)
    const { stdout } = await replay('compare')
    assert.match(stdout, /body: "mail ann@example.com" -> "mail \[e-mail\]"/)
    assert.equal((await replay('flip')).code, 0)
    assert.deepEqual(await bodies(server), [[id, 'mail [e-mail]']], 'the same event, by its id')
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true })
    rmSync(dataDir, { recursive: true, force: true })
  }
})
