/** The query process over a real log and a real lake, as `main.ts` puts them together. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Batch } from '#pipeline/batch/batch.ts'
import { createEmbeddedLog, type EmbeddedLog } from '#pipeline/log/embedded/embedded.ts'
import type { SinkWriter } from '#pipeline/stage/sink.ts'
import { fastestMs } from '#pipeline/testing/figures.ts'
import type { QueryRow } from '#schemas/query.ts'
import { TABLES } from '#schemas/tables/tables.ts'
import { telemetryEvents } from '#schemas/topics.ts'
import { createLakeSink } from '../lake.ts'
import { LOCAL_SOURCES } from './local_sources.ts'
import { createQueryProcess, type QueryProcess } from './query_process.ts'
import { batchOf, GROUP, LOG_ID, micros, OTHER_PROJECT, PROJECT } from './testing/fixture.ts'

const topic = telemetryEvents

describe('SQL over log and lake on disk', () => {
  let folder: string
  let log: EmbeddedLog
  let sink: SinkWriter
  let queries: QueryProcess
  let offset = 0
  const waiting: Batch[] = []

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-sql-'))
    const [logDirectory, lake] = [join(folder, 'log'), { url: `file:${join(folder, 'lake')}` }]
    log = await createEmbeddedLog({ directory: logDirectory })
    await log.createTopics([{ name: topic.name, partitions: 1, retentionMs: 3_600_000, retentionBytes: null }])
    sink = createLakeSink({ store: lake })
    const cache = { directory: join(folder, 'cache'), maxBytes: 2 ** 20 }
    const settings = { log: { directory: logDirectory }, lake, cache, lakeGroup: GROUP }
    queries = await createQueryProcess({ sources: LOCAL_SOURCES, settings, tempDirectory: join(folder, 'temp') })
  })
  after(async () => {
    await queries?.close()
    await sink?.close()
    await log?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const query = async (sql: string, projectId = PROJECT) => {
    const { columns, pages } = await queries.query({ projectId, projectName: 'default', sql })
    const rows: QueryRow[] = []
    for await (const page of pages) rows.push(...page)
    return { columns, rows }
  }
  const append = async (rows: Parameters<typeof batchOf>[0], place: Partial<Parameters<typeof batchOf>[1]> = {}) => {
    const batch = batchOf(rows, { offset: offset++, ...place })
    await log.append([{ topic: topic.name, partition: 0, value: topic.codec.encode(batch, 1), timestamp: 0 }])
    waiting.push(batch)
  }
  /** What the runtime does with a sink: write, flush, then remember the position. */
  const store = async (commit = true) => {
    for (const batch of waiting.splice(0)) await sink.write(batch)
    await sink.flush()
    if (!commit) return
    const member = await log.join(GROUP, [topic.name], { assigned() {}, revoked() {} })
    await member.commit([{ topic: topic.name, partition: 0, offset, reached: { 0: offset - 1 }, log: LOG_ID }])
  }
  const row = (name: string, more: object = {}) => ({
    timestamp: micros('2026-11-22T10:00:00Z') + BigInt(offset),
    name,
    kind: 'server',
    duration: 5n,
    ...more,
  })

  it('is empty, with all columns, before there is a table', async () => {
    for (const table of TABLES) {
      const { columns, rows } = await query(`SELECT * FROM ${table.name}`, 'never-written')
      assert.deepEqual(
        columns,
        table.columns.map(({ name, type }) => ({ name, type })),
      )
      assert.deepEqual(rows, [])
    }
  })

  it('shows a row within a second of its being durable', async () => {
    await query('SELECT 1 FROM otel_logs_and_spans')
    for (let round = 0; round < 5; round++) {
      let tries = 0
      const tookMs = await fastestMs(3, 1000, async () => {
        const name = `fresh ${round} ${tries++}`
        await append([row(name)])
        const started = performance.now()
        const { rows } = await query(`SELECT name FROM otel_logs_and_spans WHERE name = '${name}'`)
        assert.deepEqual(rows, [[name]])
        return performance.now() - started
      })
      assert.ok(tookMs < 1000, `visible after ${tookMs} ms`)
    }
  })

  it('shows each row once: before it is stored, after, and when the position is remembered', async () => {
    const total = async () => (await query('SELECT count(*), count(DISTINCT id) FROM otel_logs_and_spans')).rows[0]
    const before = Number((await total())[0])
    await append([row('a', { 'attributes.k': 'v', hashes: '["err:1"]', body: '{"n":9223372036854775807}' }), row('b')])
    assert.deepEqual(await total(), [before + 2, before + 2])
    await store(false)
    assert.deepEqual(await total(), [before + 2, before + 2])
    await append([row('c')])
    assert.deepEqual(await total(), [before + 3, before + 3])
    await store()
    assert.deepEqual(await total(), [before + 3, before + 3])
    await append([row('d')])
    assert.deepEqual(await total(), [before + 4, before + 4])
  })

  it('gives the same values from the file as from the tail', async () => {
    const values = {
      'attributes.k': 'v',
      'attributes.n': 9223372036854775807n,
      'resource.host.name': 'h',
      attributes___http___response___status_code: 200n,
      resource___service___name: 'shop',
      hashes: '["err:1","pat:2"]',
      body: '{"n":9223372036854775807,"t":"ü"}',
      context___trace_id: '0af7651916cd43dd8448eb211c80319c',
      context___is_remote: true,
      status_code: 'OK',
    }
    await append([row('same', values)])
    const sql = "SELECT * EXCLUDE (id) FROM otel_logs_and_spans WHERE name = 'same'"
    const fromTail = await query(sql)
    assert.equal(fromTail.rows.length, 1)
    await store()
    assert.deepEqual(await query(sql), fromTail)
  })

  it('gives metrics with their lists from the file as from the tail', async () => {
    const metric = {
      timestamp: micros('2026-11-22T10:00:00Z'),
      metric_name: 'm',
      value: Number.NaN,
      hist_bucket_counts: '[1,9223372036854775807,null]',
      hist_explicit_bounds: '[0.5,"Infinity"]',
      attributes___http___route: '/x',
    }
    await append([metric], { signal: 'metrics' })
    const sql = "SELECT * EXCLUDE (id), attributes->>'http.route' AS route FROM otel_metrics"
    const fromTail = await query(sql)
    const cells = Object.fromEntries(fromTail.columns.map((column, at) => [column.name, fromTail.rows[0][at]]))
    assert.equal(cells.value, 'NaN')
    assert.deepEqual(cells.hist_bucket_counts, [1, '9223372036854775807', null])
    assert.deepEqual(cells.hist_explicit_bounds, [0.5, 'Infinity'])
    assert.equal(cells.route, '/x')
    await store()
    assert.deepEqual(await query(sql), fromTail)
  })

  it('shows another project nothing of it', async () => {
    await append([row('theirs')], { projectId: OTHER_PROJECT })
    assert.deepEqual((await query('SELECT name FROM otel_logs_and_spans', OTHER_PROJECT)).rows, [['theirs']])
    await store()
    assert.deepEqual((await query('SELECT name FROM otel_logs_and_spans', OTHER_PROJECT)).rows, [['theirs']])
    assert.deepEqual((await query("SELECT name FROM otel_logs_and_spans WHERE name = 'theirs'")).rows, [])
  })
})
