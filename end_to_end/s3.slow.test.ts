/** Everything in one process, its lake and its archive in a bucket of a real S3 server. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createEmbeddedLog } from '#pipeline/log/embedded/embedded.ts'
import { until } from '#pipeline/testing/until.ts'
import { telemetryRaw } from '#schemas/topics.ts'
import { createArchiveReader } from '#sinks/archive/archive_reader.ts'
import { createArchivedLog } from '#sinks/archive/archived_log.ts'
import { openStore } from '#sinks/store/open_store.ts'
import { type S3Server, startS3 } from '#sinks/store/testing/s3_server.ts'
import { startServer, TEST_KEY, type TestServer } from './server.ts'

const s3 = await startS3()
after(() => s3?.close())
it('a server could be started', { skip: s3 === null && 'no Python with moto could be set up' }, () => {})
if (s3 !== null) describe('millrace with its lake and its archive in a bucket', () => inBucket(s3))

function inBucket({ endpoint, bucket }: S3Server): void {
  let dataDir: string
  let env: Record<string, string>
  let server: TestServer | null = null
  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'millrace-s3-'))
    const name = await bucket()
    const places = { MILLRACE_LAKE: `s3://${name}/lake`, MILLRACE_ARCHIVE: `s3://${name}/archive` }
    env = { ...places, MILLRACE_S3_ENDPOINT: endpoint }
  })
  after(async () => {
    await server?.stop('SIGKILL')
    rmSync(dataDir, { recursive: true, force: true })
  })

  const send = async (name: string) => {
    const timeUnixNano = String(BigInt(Date.now()) * 1_000_000n)
    const logRecords = [{ timeUnixNano, eventName: name, body: { stringValue: name } }]
    const response = await fetch(`${server!.otlpUrl}/v1/logs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TEST_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }),
    })
    assert.equal(response.status, 200)
  }
  const names = async () =>
    (await server!.query('select name from otel_logs_and_spans order by timestamp')).map(([name]) => name)

  it('answers SQL about what was sent, before and after kill -9 and a change of machine', async () => {
    server = await startServer({ dataDir, env })
    await send('first')
    assert.deepEqual(await names(), ['first'])
    const store = await openStore({ url: env.MILLRACE_LAKE, s3Endpoint: endpoint })
    await until(async () => (await store.list('')).some(({ key }) => key.endsWith('.parquet')))
    await send('second')
    await server.stop('SIGKILL')
    // As on another machine: nothing of the bucket is here.
    rmSync(join(dataDir, 'cache'), { recursive: true })
    server = await startServer({ dataDir, env })
    assert.deepEqual(await names(), ['first', 'second'])
    await send('third')
    assert.equal(await server.stop(), 0)
  })

  it('has archived every record when it has ended', async () => {
    const log = await createEmbeddedLog({ directory: join(dataDir, 'log'), readOnly: true })
    try {
      const archive = createArchiveReader(await openStore({ url: env.MILLRACE_ARCHIVE, s3Endpoint: endpoint }))
      const place = { log: log.id, topic: telemetryRaw.name, partition: 0 }
      const bounds = await log.bounds(telemetryRaw.name, 0)
      assert.deepEqual(await archive.bounds(place), { begin: bounds.begin, end: bounds.end })
      const source = createArchivedLog(log, archive)
      for (let offset = bounds.begin; offset < bounds.end; ) {
        const held = await source.read(telemetryRaw.name, 0, offset, { maxBytes: 1e6 })
        const archived = await archive.read(place, offset, { maxBytes: 1e6, maxRecords: held.length })
        const [first] = archived
        assert.deepEqual(
          [first.offset, first.timestamp, Buffer.from(first.value)],
          [held[0].offset, held[0].timestamp, Buffer.from(held[0].value)],
        )
        offset += archived.length
      }
    } finally {
      await log.close()
    }
  })

  it('does not start where the bucket does not exist', async () => {
    for (const name of ['MILLRACE_LAKE', 'MILLRACE_ARCHIVE']) {
      const started = startServer({ dataDir, env: { ...env, [name]: 's3://not-there/x' } })
      await assert.rejects(
        started,
        /it ended with code 2: millrace: s3:\/\/not-there\/x: there is no bucket not-there at http/,
      )
    }
  })
}
