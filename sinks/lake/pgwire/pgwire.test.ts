/** The server as a driver sees it: node-postgres. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import pg from 'pg'
import { PROJECT } from '../query/testing/fixture.ts'
import { INGEST_KEY, KEY, OTHER_KEY, SECOND_KEY } from './testing/directory.ts'
import { EVENTS, startTestServer, type TestServer } from './testing/server.ts'

describe('node-postgres', () => {
  let test: TestServer
  let client: pg.Client
  const connect = async (options: pg.ClientConfig = {}) => {
    const made = new pg.Client({
      ...{ host: '127.0.0.1', port: test.port, user: 'default', password: KEY, database: 'millrace' },
      ...options,
    })
    await made.connect()
    return made
  }
  before(async () => {
    test = await startTestServer()
    client = await connect()
  })
  after(async () => {
    await client.end()
    await test.close()
    assert.deepEqual(test.errors, [])
  })

  it('gives rows with their types', async () => {
    const { rows, fields } = await client.query(
      'SELECT timestamp, name, body, hashes, duration, date, 1.5::float8 AS double, true AS yes, NULL AS nothing FROM otel_logs_and_spans ORDER BY timestamp LIMIT 1',
    )
    assert.deepEqual(rows, [
      {
        ...{ timestamp: new Date('2026-11-22T10:00:00Z'), name: 'n0', body: { text: 'hello' } },
        ...{ hashes: ['err:1', 'a "b"'], duration: '0', date: rows[0].date, double: 1.5, yes: true, nothing: null },
      },
    ])
    assert.deepEqual(
      fields.map((field) => field.dataTypeID),
      [1184, 25, 114, 1009, 20, 1082, 701, 16, 23],
    )
  })

  it('takes parameters, typed by the statement', async () => {
    const { rows } = await client.query(
      'SELECT name FROM otel_logs_and_spans WHERE duration < $1 AND timestamp >= $2 AND level = $3 AND name = ANY($4) ORDER BY 1 LIMIT $5',
      [100, new Date('2026-11-22T10:00:00Z'), 'ERROR', ['n1', 'n3', 'n5', 'n999', 'x'], 2],
    )
    assert.deepEqual(rows, [{ name: 'n1' }, { name: 'n3' }])
    const odd = ['', "it's", 'a\\b', '{"x"}', 'é😀', null]
    for (const value of odd) {
      assert.deepEqual((await client.query('SELECT $1 AS value', [value])).rows, [{ value }])
      assert.deepEqual((await client.query('SELECT $1::text[] AS list', [[value, 'b']])).rows, [{ list: [value, 'b'] }])
    }
    assert.deepEqual((await client.query('SELECT $1::int8 + 1 AS n', ['9007199254740993'])).rows, [
      { n: '9007199254740994' },
    ])
  })

  it('prepares a statement once', async () => {
    for (const [least, count] of [
      [0, EVENTS],
      [EVENTS - 1, 1],
      [EVENTS, 0],
    ]) {
      const query = { name: 'count', text: 'SELECT count(*)::int AS n FROM otel_logs_and_spans WHERE duration >= $1' }
      assert.deepEqual((await client.query({ ...query, values: [least] })).rows, [{ n: count }])
    }
  })

  it('runs several statements of one string, up to the first that fails', async () => {
    const results = (await client.query("SELECT 1 AS a; -- ;\nSELECT ';' AS b;")) as unknown as pg.QueryResult[]
    assert.deepEqual(
      results.map((result) => result.rows),
      [[{ a: 1 }], [{ b: ';' }]],
    )
    await assert.rejects(client.query('SELECT 1; SELECT 2 FORM x y; SELECT 3'), { code: '42601', position: '25' })
    assert.deepEqual((await client.query(' ; -- nothing\n')).rows, [])
  })

  it('says what is wrong, with SQLSTATE and position', async () => {
    await assert.rejects(client.query("SELECT '😀é', nope(1)"), { severity: 'ERROR', code: '42883', position: '14' })
    await assert.rejects(client.query('SELECT colour FROM otel_metrics WHERE id = $1', ['x']), { code: '42703' })
    await assert.rejects(client.query('SELECT $1::int', ['one']), { code: '22P02' })
    await assert.rejects(client.query('SELECT $1, $2', ['one']), { code: '08P01' })
    await assert.rejects(client.query("SELECT 'a' = ANY($1)", ['{a']), { code: '22P02' })
    await assert.rejects(client.query('DROP TABLE otel_metrics'), { code: '0A000' })
    await assert.rejects(client.query('SELECT 1; SELECT $1', ['two']), { code: '42601' })
    assert.deepEqual((await client.query('SELECT 1 AS still')).rows, [{ still: 1 }])
  })

  it('keeps to the form of a transaction', async () => {
    await client.query('BEGIN')
    await assert.rejects(client.query('SELECT nope()'))
    await assert.rejects(client.query('SELECT 1'), { code: '25P02' })
    await assert.rejects(client.query('SELECT $1', ['x']), { code: '25P02' })
    assert.equal((await client.query('COMMIT')).command, 'ROLLBACK')
    assert.deepEqual(((await client.query('BEGIN; SELECT 1 AS n; COMMIT')) as unknown as pg.QueryResult[])[1].rows, [
      { n: 1 },
    ])
  })

  it('has cursors within a transaction', async () => {
    const names = async (sql: string, values?: unknown[]) =>
      (await client.query(sql, values)).rows.map((row) => row.name)
    const declare = 'DECLARE c CURSOR FOR SELECT name FROM otel_logs_and_spans ORDER BY timestamp'
    await assert.rejects(client.query(declare), { code: '25P01' })
    await client.query('BEGIN')
    await client.query(declare)
    assert.deepEqual(await names('FETCH c'), ['n0'])
    assert.deepEqual(await names('FETCH 2 FROM c'), ['n1', 'n2'])
    assert.equal((await names('FETCH ALL FROM c')).length, EVENTS - 3)
    assert.deepEqual(await names('FETCH 5 FROM c'), [])
    await client.query('CLOSE c')
    await assert.rejects(client.query('FETCH c'), { code: '34000' })
    await client.query('ROLLBACK')
    await client.query('BEGIN')
    for (let at = 0; at < 32; at++) await client.query(`DECLARE c${at} CURSOR FOR SELECT ${at} AS n`)
    await assert.rejects(client.query('DECLARE c32 CURSOR FOR SELECT 1'), { code: '54000' })
    await client.query('ROLLBACK')
    await client.query('BEGIN')
    await assert.rejects(client.query('FETCH c1'), { code: '34000' })
    await client.query('ROLLBACK')
  })

  it('has settings', async () => {
    const show = async (name: string) => Object.values((await client.query(`SHOW ${name}`)).rows[0])[0]
    await client.query("SET statement_timeout TO '90s'")
    assert.equal(await show('statement_timeout'), '90s')
    await client.query("SET SESSION application_name = 'a test'")
    assert.equal(await show('application_name'), 'a test')
    assert.equal(await show('TIME ZONE'), 'UTC')
    assert.match(String(await show('server_version')), /^\d+\.\d+$/)
    await assert.rejects(client.query("SET client_encoding = 'LATIN1'"), { code: '22023' })
    await assert.rejects(client.query('SET DateStyle = German'), { code: '22023' })
    await assert.rejects(client.query('SHOW nothing_of_this_name'), { code: '42704' })
    await client.query('DISCARD ALL')
    assert.equal(await show('statement_timeout'), '0')
    assert.ok((await client.query('SHOW ALL')).rows.length > 10)
  })

  it('ends a statement at its time', async () => {
    await client.query('SET statement_timeout = 50')
    await assert.rejects(client.query('SELECT count(*) FROM range(100000000000) a'), { code: '57014' })
    await client.query('RESET statement_timeout')
  })

  it('lets in who has a key of the project, by its name or its id', async () => {
    for (const [user, password] of [
      ['default', SECOND_KEY],
      [PROJECT, KEY],
      ['other', OTHER_KEY],
    ]) {
      const other = await connect({ user, password })
      const { rows } = await other.query('SELECT current_user AS who, count(*)::int AS n FROM pg_class WHERE false')
      assert.deepEqual(rows, [{ who: user === PROJECT ? 'default' : user, n: 0 }])
      await other.end()
    }
  })

  it('keeps everybody else out, and tells an unknown user no more than a wrong key', async () => {
    const refused = async (options: pg.ClientConfig) => {
      const error = await connect(options).then(
        () => assert.fail('it was let in'),
        (cause: pg.DatabaseError) => cause,
      )
      return `${error.code} ${error.message}`
    }
    for (const user of ['default', 'nobody']) {
      for (const password of ['wrong', OTHER_KEY]) {
        assert.equal(await refused({ user, password }), `28P01 password authentication failed for user "${user}"`)
      }
    }
    assert.match(await refused({ password: INGEST_KEY }), /^42501 .*scope read/)
    assert.match(await refused({ database: 'postgres' }), /^3D000 /)
  })

  it('gives a project its own rows and no others', async () => {
    const other = await connect({ user: 'other', password: OTHER_KEY })
    const sql =
      "SELECT count(*)::int AS n, count(*) FILTER (WHERE name = 'secret')::int AS secret FROM otel_logs_and_spans"
    assert.deepEqual((await other.query(sql)).rows, [{ n: 3, secret: 3 }])
    assert.deepEqual((await client.query(sql)).rows, [{ n: EVENTS, secret: 0 }])
    await other.end()
  })

  it('ends a session whose key is revoked at its next statement', async () => {
    const other = await connect({ password: SECOND_KEY })
    const ended = new Promise((resolve) => other.on('error', resolve))
    assert.equal((await other.query('SELECT 1')).rowCount, 1)
    test.directory.revoke(SECOND_KEY)
    await assert.rejects(other.query('SELECT 1'), { code: '28000' })
    await ended
    await assert.rejects(connect({ password: SECOND_KEY }), { code: '28P01' })
  })
})
