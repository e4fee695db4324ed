/** The lake in a bucket, on a real S3 server: written, tidied, queried, read by others, with answers lost on the way. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { Batch } from '#pipeline/batch/batch.ts'
import { createEmbeddedLog } from '#pipeline/log/embedded/embedded.ts'
import type { QueryRow } from '#schemas/query.ts'
import { otelLogsAndSpans } from '#schemas/tables/tables.ts'
import { telemetryEvents } from '#schemas/topics.ts'
import { checkStore } from '#sinks/store/check_store.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import { openStore, type StoreSettings } from '#sinks/store/open_store.ts'
import { type S3Server, startS3 } from '#sinks/store/testing/s3_server.ts'
import { compactTable } from './compaction/compaction.ts'
import { LakeMaintenance } from './compaction/maintenance.ts'
import { expireTable } from './compaction/retention.ts'
import { vacuumTable } from './compaction/vacuum.ts'
import { loadSnapshot } from './delta/snapshot.ts'
import { createLakeSink } from './lake.ts'
import { LOCAL_SOURCES } from './query/local_sources.ts'
import { createQueryProcess, type QueryProcess } from './query/query_process.ts'
import { batchOf, GROUP, LOG_ID, micros, OTHER_PROJECT, PROJECT } from './query/testing/fixture.ts'
import { crashingWriter } from './testing/crashing_writer.ts'
import { pythonWithReaders, readTable } from './testing/delta_readers.ts'
import { racingCommits } from './testing/racing_commits.ts'
import { sampleLogs } from './testing/sample_logs.ts'
import { LakeWriter } from './writer/lake_writer.ts'

const server = await startS3()
after(() => server?.close())

test('a server could be started', { skip: server === null && 'no Python with moto could be set up' }, () => {})
if (server !== null) describe('the lake in a bucket', () => lakeIn(server))

function lakeIn(s3: S3Server): void {
  const place = async (): Promise<StoreSettings> => ({ url: `s3://${await s3.bucket()}/lake`, s3Endpoint: s3.endpoint })
  const store = async (): Promise<ObjectStore> => openStore(await place())

  test('can be used, and a check leaves nothing behind', async () => {
    const settings = await place()
    await checkStore(settings, assert.fail)
    assert.deepEqual(await (await openStore(settings)).list(''), [])
    await assert.rejects(checkStore({ ...settings, url: 's3://not-there/lake' }, assert.fail), {
      name: 'OperatorError',
      message: /there is no bucket not-there at http/,
    })
  })

  test('commits of writers that race are each there once', async () => {
    for (const seed of [1, 2, 3]) await racingCommits(await store(), seed)
  })

  test('each event is stored once, whatever is lost on the way', async () => {
    await crashingWriter(await store(), 1)
  })

  test('tables are compacted, checkpointed, expired and vacuumed, and other programs read them', async (context) => {
    const settings = await place()
    const lake = await openStore(settings)
    const maintenance = new LakeMaintenance({
      store: lake,
      now: Date.now,
      failed: (_, error) => assert.fail(error as Error),
    })
    const writer = new LakeWriter({
      store: lake,
      now: Date.now,
      committed: ({ key, table }, version) => maintenance.committed(key, table, version),
    })
    const [noon, day] = [Date.UTC(2026, 2, 4, 12) * 1000, 86_400_000_000]
    let project = ''
    for (let offset = 0; offset < 36; offset++) {
      const batch = sampleLogs({ rows: 40, offset, receivedAt: noon + (offset % 2) * day })
      project = batch.projectId
      await writer.add(batch)
      await writer.flush()
      await maintenance.idle()
    }
    const key = `${project}/${otelLogsAndSpans.name}`
    const keys = (await lake.list(`${key}/_delta_log/`)).map((object) => object.key)
    assert.ok(
      keys.some((name) => name.endsWith('.checkpoint.parquet')),
      'there is a checkpoint',
    )
    const python = await pythonWithReaders()
    const options = {
      AWS_ENDPOINT_URL: s3.endpoint,
      AWS_ALLOW_HTTP: 'true',
      AWS_ACCESS_KEY_ID: 'millrace',
      AWS_SECRET_ACCESS_KEY: 'x',
      AWS_REGION: 'us-east-1',
    }
    const check = async (rows: number) => {
      if (python === null) return
      const seen = await readTable(python, `${settings.url}/${key}`, options)
      assert.deepEqual([seen.rows, seen.ids], [rows, rows])
    }
    await check(1440)
    await compactTable(lake, key, otelLogsAndSpans, Date.now())
    await check(1440)
    const nowMs = Date.UTC(2026, 2, 5, 12)
    assert.ok((await expireTable(lake, key, otelLogsAndSpans, 0, nowMs)) > 0)
    await check(720)
    const later = Date.now() + 8 * 86_400_000
    assert.ok((await vacuumTable(lake, key, later, 86_400_000)) > 0)
    const state = await loadSnapshot(lake, key)
    const left = (await lake.list(`${key}/date=`)).map((object) => object.key.slice(key.length + 1))
    assert.deepEqual(left.sort(), [...state.files.keys()].sort())
    await check(720)
    if (python === null) context.skip('no Python with pyarrow and deltalake could be set up')
  })

  test('SQL reads it through a folder of this machine, each project through its own', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-s3-sql-'))
    const lake = await place()
    const log = await createEmbeddedLog({ directory: join(folder, 'log') })
    const topic = telemetryEvents
    await log.createTopics([{ name: topic.name, partitions: 1, retentionMs: 3_600_000, retentionBytes: null }])
    const sink = createLakeSink({ store: lake })
    const cache = { directory: join(folder, 'cache'), maxBytes: 2 ** 28 }
    const settings = { log: { directory: join(folder, 'log') }, lake, cache, lakeGroup: GROUP }
    let queries: QueryProcess | undefined
    try {
      queries = await createQueryProcess({ sources: LOCAL_SOURCES, settings, tempDirectory: join(folder, 'temp') })
      let offset = 0
      const write = async (name: string, day: number, projectId = PROJECT) => {
        const timestamp = micros(`2026-11-${day}T10:00:00Z`)
        const batch: Batch = batchOf([{ timestamp, name, kind: 'server', duration: 5n }], {
          offset: offset++,
          projectId,
        })
        await log.append([{ topic: topic.name, partition: 0, value: topic.codec.encode(batch, 1), timestamp: 0 }])
        await sink.write(batch)
        await sink.flush()
      }
      const query = async (sql: string, projectId = PROJECT) => {
        const { pages } = await queries!.query({ projectId, projectName: 'default', sql })
        const rows: QueryRow[] = []
        for await (const page of pages) rows.push(...page)
        return rows.map(([value]) => value)
      }
      const cached = (projectId: string) =>
        readdirSync(cache.directory, { recursive: true, withFileTypes: true }).filter(
          (file) => file.isFile() && file.parentPath.includes(projectId),
        ).length
      await write('monday', 23)
      await write('tuesday', 24)
      await write('theirs', 24, OTHER_PROJECT)
      // All of it is stored: what SQL says comes from the bucket.
      const member = await log.join(GROUP, [topic.name], { assigned() {}, revoked() {} })
      await member.commit([{ topic: topic.name, partition: 0, offset, reached: { 0: offset - 1 }, log: LOG_ID }])
      const names = "SELECT name FROM otel_logs_and_spans WHERE timestamp >= '2026-11-24' ORDER BY name"
      assert.deepEqual(await query(names), ['tuesday'])
      assert.deepEqual([cached(PROJECT), cached(OTHER_PROJECT)], [1, 0], 'what statistics rule out is not fetched')
      assert.deepEqual(await query('SELECT name FROM otel_logs_and_spans ORDER BY name'), ['monday', 'tuesday'])
      assert.deepEqual(await query('SELECT name FROM otel_logs_and_spans ORDER BY timestamp DESC LIMIT 1'), ['tuesday'])
      assert.deepEqual(await query(names, OTHER_PROJECT), ['theirs'])
      assert.deepEqual([cached(PROJECT), cached(OTHER_PROJECT)], [2, 1])
      await write('now', 24)
      assert.deepEqual(await query(names), ['now', 'tuesday'])
    } finally {
      await queries?.close()
      await sink.close()
      await log.close()
      rmSync(folder, { recursive: true, force: true })
    }
  })
}
