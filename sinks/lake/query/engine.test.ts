import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import type { QueryError } from '#schemas/query.ts'
import { otelLogsAndSpans } from '#schemas/tables/tables.ts'
import { batchOf, createQueryFixture, type EventRow, micros, type QueryFixture } from './testing/fixture.ts'

const SPAN: EventRow = {
  timestamp: micros('2026-11-22T10:00:00Z'),
  kind: 'server',
  name: 'GET /users/{id}',
  status_code: 'OK',
  duration: 12_500_000n,
  context___trace_id: '0af7651916cd43dd8448eb211c80319c',
  context___span_id: 'b7ad6b7169203331',
  attributes___http___request___method: 'GET',
  attributes___http___response___status_code: 200n,
  'attributes.http.route': '/users/{id}',
  'attributes.big': 9223372036854775807n,
  'attributes.payload': '{"id":7,"tags":["a","b"]}',
  resource___service___name: 'shop',
  'resource.host.name': 'h1',
  hashes: '["err:1","pat:2"]',
}
const LOG: EventRow = {
  timestamp: micros('2026-11-22T10:07:00Z'),
  kind: 'log',
  level: 'ERROR',
  severity___severity_text: 'error',
  severity___severity_number: 17n,
  body: '"payment failed: card 12"',
  resource___service___name: 'shop',
}

describe('SQL over the lake and the tail', () => {
  let fixture: QueryFixture
  before(async () => {
    fixture = await createQueryFixture()
    const stored = batchOf([SPAN, { ...LOG, body: '"stored"' }], { offset: 0 })
    await fixture.lake.commit([stored])
    await fixture.append(stored, batchOf([LOG, { ...SPAN, name: 'tail' }], { offset: 1 }))
  })
  after(() => fixture.close())

  it('gives each row once: what is stored from the files, the rest from the tail', async () => {
    const rows = await fixture.query(
      'SELECT name, body FROM otel_logs_and_spans ORDER BY timestamp, name, body::text DESC',
    )
    assert.deepEqual(
      rows.map((row) => row.name ?? row.body),
      ['GET /users/{id}', 'tail', '"stored"', '"payment failed: card 12"'],
    )
  })

  it('gives the columns of the contract and ours, in order and with their types', async () => {
    const names: string[] = []
    const types: string[] = []
    const sink = {
      columns(columns: readonly { name: string; type: string }[]) {
        names.push(...columns.map((column) => column.name))
        types.push(...columns.map((column) => column.type))
      },
      async page() {},
    }
    const request = { projectId: 'none', projectName: 'none', params: [], maxRows: 1, timeoutMs: 10_000 }
    for (const projectId of ['00000000-0000-4000-8000-000000000001', 'empty']) {
      names.length = types.length = 0
      const sql = "SELECT * FROM otel_logs_and_spans WHERE name = 'tail' OR attributes->>'x' = '1'"
      await fixture.engine.run({ ...request, projectId, sql }, sink, new AbortController().signal)
      assert.deepEqual(
        names,
        otelLogsAndSpans.columns.map((column) => column.name),
      )
      assert.deepEqual(
        types,
        otelLogsAndSpans.columns.map((column) => column.type),
      )
    }
  })

  it('computes what is stored in other columns', async () => {
    const [span] = await fixture.query(
      "SELECT start_time, severity, context, summary, attributes, resource FROM otel_logs_and_spans WHERE name = 'tail'",
    )
    assert.equal(span.start_time, '2026-11-22T10:00:00.000000Z')
    assert.equal(span.severity, null)
    assert.equal(JSON.parse(span.context as string).trace_id, SPAN.context___trace_id)
    assert.deepEqual(span.summary, ['shop', 'server', 'tail', 'GET', '200', 'OK', '12.5 ms'])
    assert.equal(
      span.attributes,
      '{"http.route":"/users/{id}","big":9223372036854775807,"payload":{"id":7,"tags":["a","b"]},' +
        '"http.request.method":"GET","http.response.status_code":200}',
    )
    assert.equal(span.resource, '{"host.name":"h1","service.name":"shop"}')
    const [log] = await fixture.query(
      "SELECT start_time, severity, context, summary, attributes FROM otel_logs_and_spans WHERE body->>'$' LIKE 'pay%' OR body = '\"payment failed: card 12\"'",
    )
    assert.deepEqual(log, {
      start_time: null,
      severity: '{"severity_text":"error","severity_number":17}',
      context: null,
      summary: ['ERROR', 'shop', 'payment failed: card 12'],
      attributes: null,
    })
  })

  for (const source of [
    'otel_logs_and_spans',
    '(SELECT * FROM otel_logs_and_spans) AS t',
    'otel_logs_and_spans AS o',
  ]) {
    it(`finds attributes by dotted key and by path in ${source}`, async () => {
      const rows = await fixture.query(`
        SELECT attributes->>'http.route' AS a, attributes->'http'->>'route' AS b,
          attributes->>'http.response.status_code' AS c, attributes->'http'->'response'->'status_code' AS d,
          attributes->'payload'->'id' AS e, attributes->'payload'->'tags'->>1 AS f, attributes->>'big' AS g,
          resource->>'service.name' AS h, resource->'host'->>'name' AS i, attributes->>'absent' AS j
        FROM ${source} WHERE attributes->'http'->>'route' = '/users/{id}' AND attributes->>'payload.id' = '7'`)
      assert.equal(rows.length, 2)
      const expected = ['/users/{id}', '/users/{id}', '200', '200', '7', 'b', '9223372036854775807', 'shop', 'h1', null]
      for (const row of rows) assert.deepEqual(Object.values(row), expected)
    })
  }

  it('takes the name of the project for its id', async () => {
    const count = async (where: string) =>
      (await fixture.query(`SELECT count(*) FROM otel_logs_and_spans WHERE ${where}`))[0].count
    assert.equal(await count("project_id = 'default'"), 4)
    assert.equal(await count("project_id IN ('default', 'x')"), 4)
    assert.equal(await count("project_id = '00000000-0000-4000-8000-000000000001'"), 4)
    assert.equal(await count("project_id = 'other'"), 0)
  })

  it('takes parameters as text where the statement does not say their type', async () => {
    const rows = await fixture.query(
      'SELECT $1 AS a, count(*) AS n FROM otel_logs_and_spans WHERE duration > $2 AND timestamp >= $3 AND timestamp < $4',
      ['x', '12000000', '2026-11-22', '2026-11-22T10:00:01Z'],
    )
    assert.deepEqual(rows, [{ a: 'x', n: 2 }])
    assert.equal((await fixture.problem('SELECT $1, $2', ['a'])).code, '08P01')
  })

  it('says where in the statement the fault is', async () => {
    assert.deepEqual(await fixture.problem("SELECT 'é', nope(1)"), {
      fault: 'user',
      code: '42883',
      message: 'there is no function nope here',
      position: 13,
    })
    assert.equal((await fixture.problem('SELECT 1 FORM x y')).position, 15)
    const unknown = await fixture.problem('SELECT colour FROM otel_logs_and_spans')
    assert.equal(unknown.code, '42703')
    assert.doesNotMatch(unknown.message, /ref_0|LINE/)
  })

  it('opens no file that WHERE rules out', async () => {
    const old = batchOf([{ ...LOG, timestamp: micros('2026-10-01T00:00:00Z') }], { offset: 7, projectId: 'pruning' })
    const file = await fixture.lake.commit([old], '2026-10-01')
    await fixture.lake.commit([batchOf([LOG], { offset: 8, projectId: 'pruning' })])
    rmSync(file)
    const count = (where: string) =>
      fixture.query(`SELECT count(*) FROM otel_logs_and_spans WHERE ${where}`, ['2026-11-01'], 'pruning')
    assert.deepEqual(await count('timestamp >= $1'), [{ count: 1 }])
    assert.deepEqual(await count("timestamp >= $1 AND timestamp < '2026-12-01' AND level = 'ERROR'"), [{ count: 1 }])
    assert.deepEqual(await count('date > $1'), [{ count: 1 }])
    await assert.rejects(count('timestamp < $1'), /No files found|Cannot open/)
  })

  it('interrupts a statement that takes too long', async () => {
    const request = { projectId: 'p', projectName: 'p', params: [], maxRows: 10, timeoutMs: 100 }
    const sql = 'SELECT count(*) FROM range(100000000000) a'
    const sink = { columns() {}, async page() {} }
    await assert.rejects(
      fixture.engine.run({ ...request, sql }, sink, new AbortController().signal),
      (error: QueryError) => {
        assert.equal(error.problem.fault, 'timeout')
        assert.match(error.message, /longer than \d+ ms/)
        return true
      },
    )
  })
})
