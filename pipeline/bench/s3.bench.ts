/**
 * The lake in a folder and in a bucket (moto, on this machine), `node pipeline/bench/s3.bench.ts [files]`: requests of a
 * flush, and statements over files that are fetched, are in the cache, or are in the folder. Decision record:
 * `../docs/decisions/0008-objects.md`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEmbeddedLog } from '#pipeline/log/embedded/embedded.ts'
import { telemetryEvents } from '#schemas/topics.ts'
import { LOCAL_SOURCES } from '#sinks/lake/query/local_sources.ts'
import { createQueryProcess } from '#sinks/lake/query/query_process.ts'
import { sampleLogs } from '#sinks/lake/testing/sample_logs.ts'
import { LakeWriter } from '#sinks/lake/writer/lake_writer.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import { openStore, type StoreSettings } from '#sinks/store/open_store.ts'
import { startS3 } from '#sinks/store/testing/s3_server.ts'

const FILES = Number(process.argv[2] ?? 24)
const ROWS = 20_000
const DAY_MICROS = 86_400_000_000
const FIRST = Date.UTC(2026, 2, 1, 12) * 1000

const STATEMENTS = {
  'all files, two columns': 'SELECT level, count(*) FROM otel_logs_and_spans GROUP BY 1',
  'one day of all':
    "SELECT count(*) FROM otel_logs_and_spans WHERE timestamp >= '2026-03-02' AND timestamp < '2026-03-03'",
  'newest 100, all columns': 'SELECT * FROM otel_logs_and_spans ORDER BY timestamp DESC LIMIT 100',
} as const

const s3 = await startS3()
if (s3 === null) throw new Error('no Python with moto could be set up')
const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
try {
  await fill({ url: `file:${join(folder, 'lake')}` }, 'folder')
  const bucket = { url: `s3://${await s3.bucket()}/lake`, s3Endpoint: s3.endpoint }
  await fill(bucket, 'bucket')
  console.log('| statement | folder | bucket, cold | bucket, cached |')
  console.log('| --- | --- | --- | --- |')
  for (const [name, sql] of Object.entries(STATEMENTS)) {
    const cells: number[] = []
    await withQueries({ url: `file:${join(folder, 'lake')}` }, async (ask) => {
      await ask(sql)
      cells.push(await median(() => ask(sql)))
    })
    await withQueries(bucket, async (ask) => {
      cells.push(await ask(sql))
      cells.push(await median(() => ask(sql)))
    })
    console.log(`| ${name} | ${cells.map((ms) => `${ms.toFixed(0)} ms`).join(' | ')} |`)
  }
} finally {
  await s3.close()
  await rm(folder, { recursive: true })
}

/** Files of some days, one flush each; says what a flush asks of the store. */
async function fill(settings: StoreSettings, name: string): Promise<void> {
  const asked: Record<string, number> = {}
  const inner = await openStore(settings)
  const store = counting(inner, asked)
  const writer = new LakeWriter({ store, now: Date.now })
  let bytes = 0
  let flushed = 0
  for (let offset = 0; offset < FILES; offset++) {
    await writer.add(sampleLogs({ rows: ROWS, offset, receivedAt: FIRST + (offset % 6) * DAY_MICROS }))
    // The first flush reads the table, too.
    if (offset === 1) for (const method of Object.keys(asked)) delete asked[method]
    const started = performance.now()
    await writer.flush()
    if (offset > 0) flushed += performance.now() - started
  }
  for (const object of await inner.list('')) if (object.key.endsWith('.parquet')) bytes += object.sizeBytes
  const each = Object.entries(asked).map(([method, count]) => `${method} ${(count / (FILES - 1)).toFixed(2)}`)
  console.log(
    `${name}: ${FILES} files, ${(bytes / FILES / 2 ** 20).toFixed(1)} MiB each; a flush takes ${(flushed / (FILES - 1)).toFixed(0)} ms and ${each.join(', ')}`,
  )
}

function counting(store: ObjectStore, asked: Record<string, number>): ObjectStore {
  const count = <A extends unknown[], R>(method: string, work: (...args: A) => R) => {
    return (...args: A): R => {
      asked[method] = (asked[method] ?? 0) + 1
      return work(...args)
    }
  }
  return {
    ...store,
    put: count('put', store.put),
    putIfAbsent: count('putIfAbsent', store.putIfAbsent),
    get: count('get', store.get),
    list: count('list', store.list),
  }
}

async function withQueries(
  lake: StoreSettings,
  work: (ask: (sql: string) => Promise<number>) => Promise<void>,
): Promise<void> {
  const home = await mkdtemp(join(folder, 'query-'))
  const log = await createEmbeddedLog({ directory: join(home, 'log') })
  await log.createTopics([{ name: telemetryEvents.name, partitions: 1, retentionMs: 1e9, retentionBytes: null }])
  const cache = { directory: join(home, 'cache'), maxBytes: 2 ** 32 }
  const settings = { log: { directory: join(home, 'log') }, lake, cache, lakeGroup: 'lake' }
  const queries = await createQueryProcess({ sources: LOCAL_SOURCES, settings, tempDirectory: join(home, 'temp') })
  const { projectId } = sampleLogs({ rows: 1 })
  try {
    await work(async (sql) => {
      const started = performance.now()
      const { pages } = await queries.query({ projectId, projectName: 'default', sql })
      for await (const page of pages) void page
      return performance.now() - started
    })
  } finally {
    await queries.close()
    await log.close()
  }
}

async function median(work: () => Promise<number>): Promise<number> {
  const all: number[] = []
  for (let run = 0; run < 5; run++) all.push(await work())
  return all.sort((a, b) => a - b)[2]
}
