/**
 * Rows of a 10-column projection into a PostgreSQL of its own, `node pipeline/bench/projection.bench.ts [rows] [all]`: through the
 * sink (folded, COPY, upsert, positions), and with `all` also by the statements it might have used instead. New rows have
 * keys that are all different; the same rows again change every one of them. Decision record:
 * `../docs/decisions/0005-postgres-sink.md`.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Batch } from '#pipeline/batch/batch.ts'
import { createDatabase } from '#pipeline/postgres/database.ts'
import { createEmbeddedPostgres } from '#pipeline/postgres/embedded_postgres.ts'
import { migrate } from '#pipeline/postgres/migrate.ts'
import { sampleLogs } from '#sinks/lake/testing/sample_logs.ts'
import { copyText } from '#sinks/postgres/copy_text.ts'
import { createPostgresWriter } from '#sinks/postgres/postgres.ts'
import { defineProjection, type Row } from '#sinks/postgres/projection.ts'
import { createTable, upsertOf } from '#sinks/postgres/statements.ts'
import { cpuSeconds } from './process_tree.ts'

const BATCH_ROWS = 2000
const BEGIN_MICROS = Date.UTC(2026, 2, 4, 12) * 1000
const total = Number(process.argv[2] ?? 200_000)

/** Ten columns, as an error group or a session might have them; two make the key. */
function* rowsOfBatch({ projectId, receivedAt, origin }: Batch) {
  for (let row = 0; row < BATCH_ROWS; row++) {
    const number = (origin.offset % (total / BATCH_ROWS)) * BATCH_ROWS + row
    yield {
      project_id: projectId,
      fingerprint: `err:${(number * 0x9e3779b1).toString(16).padStart(16, '0').slice(-16)}`,
      type: 'TypeError',
      message: `cannot read properties of undefined (reading 'item ${number % 1000}')`,
      service: `checkout-${number % 40}`,
      first_seen: receivedAt + row,
      last_seen: receivedAt + row,
      events: 1 + (number % 3),
      users: number % 5,
      resolved: number % 7 === 0,
    }
  }
}

const projection = defineProjection({
  name: 'bench_errors',
  columns: {
    project_id: 'text',
    fingerprint: 'text',
    type: 'text',
    message: 'text',
    service: 'text',
    first_seen: 'timestamptz',
    last_seen: 'timestamptz',
    events: 'bigint',
    users: 'bigint',
    resolved: 'boolean',
  },
  key: ['project_id', 'fingerprint'],
  merge: {
    type: 'first',
    message: { last: 'last_seen' },
    service: { last: 'last_seen' },
    first_seen: 'min',
    last_seen: 'max',
    events: 'sum',
    users: 'sum',
    resolved: 'last',
  },
  rows: rowsOfBatch,
})

const directory = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
const server = await createEmbeddedPostgres({ directory })
const database = createDatabase({ connection: server.connection })
await migrate(database, join(import.meta.dirname, '../../schemas/postgres'))
const batchAt = (offset: number) => sampleLogs({ rows: 1, offset, receivedAt: BEGIN_MICROS + offset * 40_000 })

async function measure(name: string, write: () => Promise<void>): Promise<void> {
  const [begun, ours, theirs] = [performance.now(), process.cpuUsage(), cpuSeconds(server.pid()!)]
  await write()
  const seconds = (performance.now() - begun) / 1000
  const { user, system } = process.cpuUsage(ours)
  const cells = [
    name,
    Math.round(total / seconds).toLocaleString('en'),
    seconds.toFixed(1),
    ((user + system) / 1e6).toFixed(1),
    (cpuSeconds(server.pid()!) - theirs).toFixed(1),
  ]
  console.log(`| ${cells.join(' | ')} |`)
}

async function throughSink(firstOffset: number): Promise<void> {
  const writer = await createPostgresWriter({ database, projections: [projection] })
  const end = firstOffset + total / BATCH_ROWS
  for (let offset = firstOffset; offset < end; offset++) await writer.write(batchAt(offset))
  await writer.flush()
  await writer.close()
  const [{ rows, reached }] = await database.query<{ rows: number; reached: number }>(
    'select (select count(*) from bench_errors) as rows, (select reached from sink_positions) as reached',
  )
  assert.deepEqual([rows, reached], [total, end - 1], 'every row, and the position')
}

const names = projection.columns.map(({ name }) => name)
const { prepare, copy, merge } = upsertOf(projection, 0)
const onConflict = merge.slice(merge.indexOf('on conflict'))

type Statement = (table: string, rows: readonly Row[]) => Promise<void>

const copyAndUpsert: Statement = (_, rows) =>
  database.transaction(async (transaction) => {
    await transaction.query(prepare)
    const values = rows.map((row) => names.map((name) => row[name]))
    await transaction.copy(copy, copyText(projection.columns, values))
    await transaction.query(merge)
  })

/** A statement takes 65,535 parameters at most. */
const multiRowInsert: Statement = (table, rows) =>
  database.transaction(async (transaction) => {
    for (let at = 0; at < rows.length; at += 5000) {
      const part = rows.slice(at, at + 5000)
      const places = part.map((_, row) => `(${names.map((_, column) => `$${row * names.length + column + 1}`)})`)
      const values = part.flatMap((row) => names.map((name) => parameter(name, row)))
      await transaction.query(`insert into ${table} as stored (${names}) values ${places} ${onConflict}`, values)
    }
  })

const unnest: Statement = (table, rows) =>
  database.transaction(async (transaction) => {
    const arrays = projection.columns.map(({ type }, at) => `$${at + 1}::${type}[]`)
    const values = names.map((name) => rows.map((row) => parameter(name, row)))
    await transaction.query(
      `insert into ${table} as stored (${names}) select * from unnest(${arrays}) ${onConflict}`,
      values,
    )
  })

function parameter(name: string, row: Row): unknown {
  return name.endsWith('_seen') ? new Date((row[name] as number) / 1000).toISOString() : row[name]
}

async function byStatement(statement: Statement): Promise<void> {
  for (let offset = 0; offset < total / BATCH_ROWS; offset += 10) {
    const rows = Array.from({ length: 10 }, (_, at) => [...rowsOfBatch(batchAt(offset + at))]).flat()
    await statement('bench_errors_g0', rows)
  }
}

console.log(`${total} rows, flushes of 20,000\n`)
console.log('| | rows a second | seconds | CPU-seconds of millrace | of PostgreSQL |')
console.log('| --- | --- | --- | --- | --- |')
await measure('the sink, new rows', () => throughSink(0))
await measure('the sink, the same again', () => throughSink(total / BATCH_ROWS))
const alternatives = process.argv[3] === 'all' ? { copyAndUpsert, multiRowInsert, unnest } : {}
for (const [name, statement] of Object.entries(alternatives)) {
  await database.query('drop table if exists bench_errors_g0 cascade')
  await database.query(createTable(projection, 0))
  await database.query('checkpoint')
  await measure(`${name}, new rows`, () => byStatement(statement))
  await measure(`${name}, the same again`, () => byStatement(statement))
}
await database.close()
await server.close()
await rm(directory, { recursive: true })
