/** Both walls against the same attacks, each without the other. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { QueryError } from '#schemas/query.ts'
import { TABLES } from '#schemas/tables/tables.ts'
import { createProjectInstance, type ProjectInstance } from './instance.ts'
import { createSqlParser, type SqlParser } from './parser.ts'
import { batchOf, FixtureLake, instanceOptions, micros, OTHER_PROJECT, PROJECT } from './testing/fixture.ts'
import { LOOSENINGS, OTHERS, readsElsewhere, type Targets } from './testing/hostile.ts'
import { checkStatement } from './wall.ts'

const SECRET = 'the other project says so'

describe('walls', () => {
  const lake = new FixtureLake()
  let targets: Targets
  before(async () => {
    const row = { timestamp: micros('2026-11-22T10:00:00Z'), name: SECRET, duration: 0n, kind: 'server' }
    const file = await lake.commit([batchOf([row], { offset: 0, projectId: OTHER_PROJECT })])
    const own = await lake.commit([batchOf([{ ...row, name: 'ours' }], { offset: 0 })])
    targets = { file, own, folder: lake.directory(OTHER_PROJECT), out: join(lake.root, 'stolen') }
  })
  after(() => lake.close())

  describe('the first: a locked instance', () => {
    let instance: ProjectInstance
    before(async () => {
      instance = await createProjectInstance(instanceOptions(lake, PROJECT))
    })
    after(() => instance.close())

    /** What a statement gives, all results of it as text; or the error. */
    const run = async (sql: string): Promise<string> => {
      const connection = await instance.connect()
      try {
        return JSON.stringify((await connection.runAndReadAll(sql)).getRowsJson())
      } finally {
        connection.closeSync()
      }
    }

    it('reads files of its own project', async () => {
      assert.equal(await run(`SELECT name FROM '${targets.own}'`), '[["ours"]]')
    })

    it('reads nothing else, whatever the statement', async () => {
      for (const sql of readsElsewhere(targets)) await assert.rejects(run(sql), sql)
    })

    it('cannot be loosened', async () => {
      for (const sql of LOOSENINGS) {
        await assert.rejects(run(sql), sql)
        await assert.rejects(run(`SELECT * FROM '${targets.file}'`), sql)
      }
    })

    it('has scans of its own: a tail is in no other instance', async () => {
      const other = await createProjectInstance(instanceOptions(lake, OTHER_PROJECT))
      try {
        const { number } = other.addScan({ table: TABLES[0], batches: [batchOf([{ timestamp: 0n }], { offset: 1 })] })
        await assert.rejects(run(`SELECT * FROM millrace_tail(${number})`), /no such scan/)
      } finally {
        other.close()
      }
    })

    it('is what stops them: without it most of the attacks work', async () => {
      let worked = 0
      for (const sql of readsElsewhere(targets)) {
        const open = await DuckDBInstance.create(':memory:')
        const connection = await open.connect()
        await connection.run('CREATE TABLE otel_metrics (duration BIGINT)')
        worked += await connection.runAndReadAll(sql).then(
          () => 1,
          () => 0,
        )
        connection.closeSync()
        open.closeSync()
      }
      assert.ok(worked >= 50, `only ${worked} attacks work at all`)
    })
  })

  describe('the second: what a statement may name', () => {
    let parser: SqlParser
    before(async () => {
      parser = await createSqlParser()
    })
    after(() => parser.close())
    const check = async (sql: string) => {
      checkStatement(
        await parser.parse(sql),
        TABLES.map((table) => table.name),
      )
    }

    it('refuses every attack before anything runs', async () => {
      for (const sql of [...readsElsewhere(targets), ...LOOSENINGS, ...OTHERS]) {
        await assert.rejects(check(sql), (cause) => {
          assert.ok(cause instanceof QueryError, `${sql}: ${cause}`)
          assert.equal(cause.problem.fault, 'user', sql)
          return true
        })
      }
    })

    it('lets through what people write', async () => {
      for (const sql of HARMLESS) await assert.doesNotReject(check(sql), sql)
    })

    it('does not give the parser anything to read either', async () => {
      const connection = parser.parse(`SELECT * FROM '${targets.file}'`)
      await assert.doesNotReject(connection, 'parsing binds nothing')
    })
  })
})

const HARMLESS: readonly string[] = [
  'SELECT * FROM otel_logs_and_spans ORDER BY timestamp DESC LIMIT 100',
  'select * from PUBLIC.otel_metrics',
  'SELECT count(*), level FROM otel_logs_and_spans GROUP BY level HAVING count(*) > 1',
  "SELECT time_bucket('5 minutes', timestamp) AS t, approx_percentile(0.95, percentile_agg(duration)) FROM otel_logs_and_spans GROUP BY 1",
  'WITH a AS (SELECT * FROM otel_metrics), b AS (SELECT * FROM a) SELECT * FROM b JOIN a USING (id)',
  'WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT * FROM n',
  "SELECT * FROM otel_logs_and_spans WHERE 'x' = ANY(hashes) AND name ~* 'get' AND body::text ILIKE '%a%'",
  'SELECT row_number() OVER (PARTITION BY kind ORDER BY timestamp) FROM otel_logs_and_spans',
  'SELECT * FROM otel_logs_and_spans l WHERE EXISTS (SELECT 1 FROM otel_metrics m WHERE m.date = l.date)',
  'SELECT unnest(hashes), count(*) FROM otel_logs_and_spans GROUP BY ALL',
  "SELECT * FROM generate_series(now() - interval '1 hour', now(), interval '5 minutes') g(t)",
  "SELECT e->>'event_name' FROM otel_logs_and_spans, unnest(events::json[]) AS u(e)",
  'SELECT extract(hour FROM timestamp), date_trunc($1, timestamp), (SELECT 1) FROM otel_logs_and_spans',
  "SELECT CASE WHEN level IN ('ERROR', 'FATAL') THEN 1 ELSE 0 END FROM otel_logs_and_spans EXCEPT SELECT 2",
  'VALUES (1), (2)',
  "SELECT to_char(timestamp, 'YYYY-MM-DD HH24:MI'), 7 / 2 FROM otel_logs_and_spans;",
]
