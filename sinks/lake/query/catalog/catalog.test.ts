import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { TABLES } from '#schemas/tables/tables.ts'
import { batchOf, createQueryFixture, micros, PROJECT, type QueryFixture } from '../testing/fixture.ts'
import { dropCatalogSchema } from './names.ts'

const PSQL = readFileSync(new URL('./testing/psql.sql', import.meta.url), 'utf8')
  .replace(/^--.*\n/, '')
  .trim()
  .split(/;\n\n|;$/)
  .filter((sql) => sql !== '')

describe('the catalog', () => {
  let fixture: QueryFixture
  before(async () => {
    fixture = await createQueryFixture()
    await fixture.append(batchOf([{ timestamp: micros('2026-11-22T10:00:00Z'), kind: 'log' }], { offset: 0 }))
  })
  after(() => fixture.close())
  const value = async (sql: string) => Object.values((await fixture.query(sql))[0])[0]

  it('answers everything psql asks', async () => {
    assert.ok(PSQL.length > 30)
    for (const sql of PSQL) await assert.doesNotReject(fixture.query(sql), sql)
  })

  it('lists the tables, and their columns as the contract has them', async () => {
    const tables = await fixture.query(
      "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1",
    )
    assert.deepEqual(
      tables.map((row) => row.table_name),
      TABLES.map((table) => table.name),
    )
    for (const { name, columns } of TABLES) {
      const rows = await fixture.query(
        `SELECT attname, pg_catalog.format_type(atttypid, atttypmod) AS type, NOT attnotnull AS nullable
         FROM pg_catalog.pg_attribute WHERE attrelid = 'public.${name}'::regclass AND attnum > 0 ORDER BY attnum`,
      )
      const expected = columns.map((column) => ({
        attname: column.name,
        type: column.type === 'timestamptz' ? 'timestamp with time zone' : column.type,
        nullable: column.nullable,
      }))
      assert.deepEqual(rows, expected)
    }
    assert.equal(await value("SELECT 'otel_metrics'::regclass::oid"), 16_401)
    assert.equal(await value("SELECT oid::regclass FROM pg_class WHERE relname = 'otel_metrics'"), 'otel_metrics')
    assert.equal(await value("SELECT count(*) FROM pg_class WHERE pg_table_is_visible(oid) AND relname ~ '^otel_'"), 2)
  })

  it('says who asks, and what it is asked', async () => {
    const sql =
      'SELECT current_user, session_user, current_schema, current_database(), current_schema() AS s, version()'
    assert.deepEqual(await fixture.query(sql), [
      {
        ...{ current_user: 'default', session_user: 'default', current_schema: 'public', s: 'public' },
        ...{ current_database: 'millrace', version: 'PostgreSQL 15.0 (millrace)' },
      },
    ])
    assert.equal(await value("SELECT current_setting('server_version_num')::int >= 150000"), true)
  })

  it('is not mixed with tables, and has no other relations or functions', async () => {
    const mixed = await fixture.problem('SELECT * FROM otel_metrics, pg_class')
    assert.deepEqual([mixed.code, mixed.position], ['0A000', 29])
    assert.equal((await fixture.problem('SELECT * FROM pg_catalog.pg_shadows')).code, '42P01')
    assert.equal((await fixture.problem('SELECT * FROM information_schema.passwords')).code, '42P01')
    assert.equal((await fixture.problem('SELECT * FROM pg_class, duckdb_settings()')).code, '42883')
    assert.equal((await fixture.problem("SELECT * FROM pg_class, read_text('/etc/passwd')")).code, '42883')
    assert.equal((await fixture.problem("SELECT * FROM pg_class, '/etc/passwd'")).code, '42P01')
    assert.equal((await fixture.problem('SELECT * FROM catalog_pg_class')).code, '42P01')
    assert.equal((await fixture.problem('SELECT * FROM pg_class, pg_sleep(100)')).code, '42883')
  })

  it('leaves out pg_catalog. where it is a schema, and nowhere else', () => {
    const sql = `SELECT 'pg_catalog.x', "pg_catalog.y" -- pg_catalog.z\n, a OPERATOR(pg_catalog.~) b COLLATE pg_catalog.default, pg_catalog.f()`
    const dropped = dropCatalogSchema(sql)
    assert.equal(dropped.length, sql.length)
    assert.equal(dropped.replaceAll(/ +/g, ' '), `SELECT 'pg_catalog.x', "pg_catalog.y" -- pg_catalog.z\n, a ~ b , f()`)
  })
})

describe('a statement described', () => {
  let fixture: QueryFixture
  before(async () => {
    fixture = await createQueryFixture()
  })
  after(() => fixture.close())
  const described = async (sql: string, parameterTypes: readonly (string | null)[] = []) => {
    const request = { projectId: PROJECT, projectName: 'default', sql, params: [], parameterTypes }
    const signal = new AbortController().signal
    const { columns, parameters } = await fixture.engine.describe({ ...request, maxRows: 1, timeoutMs: 5000 }, signal)
    return { columns: columns.map(({ name, type }) => `${name} ${type}`), parameters }
  }

  it('has columns, and parameters with the types the statement tells', async () => {
    assert.deepEqual(
      await described(
        "SELECT level, body, hashes, count(*) FROM otel_logs_and_spans WHERE timestamp > $1 AND duration < $2 AND attributes->>'k' = $3 AND name = ANY($4) GROUP BY ALL LIMIT $5",
      ),
      {
        columns: ['level text', 'body json', 'hashes text[]', 'count bigint'],
        parameters: ['timestamptz', 'bigint', 'text', 'text[]', 'bigint'],
      },
    )
  })

  it('takes a parameter for text, or for a number where text does not fit', async () => {
    assert.deepEqual(await described('SELECT $1'), { columns: ['?column? text'], parameters: ['text'] })
    assert.deepEqual((await described('SELECT $1 + 1')).parameters, ['double precision'])
    assert.deepEqual((await described('SELECT $1 + 1', ['bigint'])).columns, ['?column? bigint'])
    assert.deepEqual((await described('SELECT id FROM otel_metrics WHERE timestamp > now() - $1')).parameters, [
      'interval',
    ])
  })

  it('runs nothing and refuses what a query is refused', async () => {
    assert.deepEqual((await described('SELECT count(*) FROM range(100000000000) a')).columns, ['count bigint'])
    await assert.rejects(described('SELECT colour FROM otel_metrics'), /colour/)
    await assert.rejects(described("SELECT * FROM '/etc/passwd'"), /there is no table/)
    await assert.rejects(described('DROP TABLE otel_metrics'), /only SELECT/)
  })

  it('reads the text of parameters as their type', async () => {
    const request = { projectId: PROJECT, projectName: 'default', maxRows: 9, timeoutMs: 5000 }
    const rows: unknown[] = []
    const sink = { columns() {}, async page(page: readonly unknown[]) { rows.push(...page) } } // biome-ignore format: short
    const sql = "SELECT $1 / 2, $2 + 1, $3, 'b' = ANY($4), $5"
    const params = ['7', '0.5', 'true', '["a","b"]', null]
    const parameterTypes = ['bigint', 'double precision', 'boolean', 'text[]', 'bigint']
    await fixture.engine.run({ ...request, sql, params, parameterTypes }, sink, new AbortController().signal)
    assert.deepEqual(rows, [[3, 1.5, true, true, null]])
  })
})
