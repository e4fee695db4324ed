/**
 * What statements mean, against what PostgreSQL 18 gives for them (its documentation's examples, chapters 8 and 9;
 * TimescaleDB's for time_bucket and the sketches).
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { batchOf, createQueryFixture, micros, type QueryFixture } from './testing/fixture.ts'

const VALUES: readonly (readonly [sql: string, expected: unknown])[] = [
  ['7 / 2', 3],
  ['-7 / 2', -3],
  ['7 / 2.0', 3.5],
  ['7::float8 / 2', 3.5],
  ["'abc' ~ 'b'", true],
  ["'abc' ~ '^b'", false],
  ["'abc' ~* 'B'", true],
  ["'abc' !~ 'b'", false],
  ["'abc' !~* 'X'", true],
  ["'abc' LIKE 'a%'", true],
  ['\'[{"a":"foo"},{"b":"bar"},{"c":"baz"}]\'::json -> 2', '{"c":"baz"}'],
  ['\'[{"a":"foo"},{"b":"bar"},{"c":"baz"}]\'::json -> -3', '{"a":"foo"}'],
  ['\'{"a": {"b":"foo"}}\'::jsonb -> \'a\'', '{"b":"foo"}'],
  ["'[1,2,3]'::json ->> 2", '3'],
  ['\'{"a":1,"b":2}\'::jsonb ->> \'b\'', '2'],
  ['\'{"a.b":1,"$.x":2,"/y":3,"~":4}\'::jsonb ->> \'a.b\'', '1'],
  ['\'{"a.b":1,"$.x":2,"/y":3,"~":4}\'::jsonb ->> \'$.x\'', '2'],
  ['\'{"a.b":1,"$.x":2,"/y":3,"~":4}\'::jsonb ->> \'/y\'', '3'],
  ['\'{"a.b":1,"$.x":2,"/y":3,"~":4}\'::jsonb ->> \'~\'', '4'],
  ['true AND \'{"a":"x"}\'::json -> \'a\' IS NOT NULL', true],
  ["false OR '{\"a\":\"x\"}'::json ->> 'a' = 'x'", true],
  ["'{\"a\":\"x\"}'::json ->> 'a' || 'y'", 'xy'],
  ["'b' = ANY(ARRAY['a', 'b'])", true],
  ["'c' = ANY(ARRAY['a', 'b'])", false],
  ["jsonb_array_length('[1,2,3]'::jsonb)", 3],
  ["to_jsonb('Fred'::text)", '"Fred"'],
  ["to_char(timestamptz '2002-04-20 17:31:12.66+00', 'HH12:MI:SS')", '05:31:12'],
  ["to_char(timestamptz '2002-04-20 17:31:12.66+00', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS')", '2002-04-20T17:31:12.660'],
  ["time_bucket('5 minutes', timestamptz '2026-11-22 10:07:31+00')", '2026-11-22T10:05:00.000000Z'],
  ["time_bucket('1 month', timestamptz '2026-11-22 10:07:31+00')", '2026-11-01T00:00:00.000000Z'],
  ['9223372036854775807', '9223372036854775807'],
  ['9007199254740991', 9007199254740991],
  ['123456789012345678901234567890', '123456789012345678901234567890'],
  ['3.14159265358979323846', '3.14159265358979323846'],
  ['0.1', 0.1],
  ["'NaN'::float8", 'NaN'],
  ["'-infinity'::float8", '-Infinity'],
  ["timestamptz '2026-11-22 10:00:00.000001+02'", '2026-11-22T08:00:00.000001Z'],
  ["timestamptz '1969-12-31 23:59:59.5+00'", '1969-12-31T23:59:59.500000Z'],
  ["timestamptz '2026-07-22'", '2026-07-22T00:00:00.000000Z'],
  ["date '2026-11-22'", '2026-11-22'],
  ['ARRAY[1, NULL, 3]', [1, null, 3]],
]

describe('statements mean what PostgreSQL means', () => {
  let fixture: QueryFixture
  before(async () => {
    fixture = await createQueryFixture()
    const rows = Array.from({ length: 100 }, (_, row) => ({
      timestamp: micros('2026-11-22T10:00:00Z') + BigInt(row) * 6_000_000n,
      duration: BigInt(row),
      name: row % 10 === 0 ? null : `n${row % 10}`,
    }))
    await fixture.append(batchOf(rows, { offset: 0 }))
  })
  after(() => fixture.close())

  for (const [expression, expected] of VALUES) {
    it(expression, async () =>
      assert.deepEqual(Object.values((await fixture.query(`SELECT ${expression}`))[0]), [expected]),
    )
  }

  it('NULLs come last ascending and first descending', async () => {
    const order = async (clause: string) =>
      (await fixture.query(`SELECT x FROM (VALUES (2), (NULL), (1)) v(x) ORDER BY x ${clause}`)).map((row) => row.x)
    assert.deepEqual(await order(''), [1, 2, null])
    assert.deepEqual(await order('DESC'), [null, 2, 1])
    assert.deepEqual(await order('NULLS FIRST'), [null, 1, 2])
  })

  it('columns are named as PostgreSQL names them', async () => {
    const [row] = await fixture.query(
      'SELECT count(*), max(duration), 1 + 1, duration::text, CASE WHEN true THEN 1 END, coalesce(1, 2), now() IS NULL AS x, name ' +
        'FROM otel_logs_and_spans GROUP BY duration, name LIMIT 1',
    )
    assert.deepEqual(Object.keys(row), ['count', 'max', '?column?', 'duration', 'case', 'coalesce', 'x', 'name'])
  })

  it('sketches: percentiles and distinct counts, within one SELECT and handed on', async () => {
    const [direct] = await fixture.query(`
      SELECT approx_percentile(0.5, percentile_agg(duration)) AS p, distinct_count(approx_count_distinct(name)) AS d,
        distinct_count(hyperloglog(1024, name)) AS h FROM otel_logs_and_spans`)
    assert.ok(Math.abs(Number(direct.p) - 49.5) <= 1.5, String(direct.p))
    // HyperLogLog: 9 names, give or take one.
    for (const count of [direct.d, direct.h]) assert.ok(Math.abs(Number(count) - 9) <= 1, String(count))
    const handed = await fixture.query(`
      WITH buckets AS (SELECT time_bucket('5 minutes', timestamp) AS t, percentile_agg(duration) AS sketch
        FROM otel_logs_and_spans GROUP BY 1)
      SELECT t, approx_percentile(0.5, sketch) AS p FROM buckets ORDER BY t`)
    assert.deepEqual(handed, [
      { t: '2026-11-22T10:00:00.000000Z', p: 24.5 },
      { t: '2026-11-22T10:05:00.000000Z', p: 74.5 },
    ])
  })

  it('buckets of any width are those of DuckDB and TimescaleDB', async () => {
    for (const width of ['7 seconds', '5 minutes', '3 hours', '2 days', '1 week', '2 weeks', '90 min']) {
      const rows = await fixture.query(`
        WITH t AS (SELECT timestamp, timestamp - duration * interval '400 days' AS end_time FROM otel_logs_and_spans)
        SELECT count(*) AS n FROM t
        WHERE time_bucket('${width}', end_time) <> time_bucket(CAST('${width}' AS interval), end_time + interval '0 day')
          OR time_bucket('${width}', timestamp) > timestamp`)
      assert.deepEqual(rows, [{ n: 0 }], width)
    }
  })

  it('a pattern of to_char that is not known is an error', async () => {
    const problem = await fixture.problem("SELECT to_char(now(), 'YYYY Q')")
    assert.equal(problem.code, '0A000')
    assert.match(problem.message, /"Q"/)
  })

  it('a number beyond a double is an error, not infinity', async () => {
    assert.equal((await fixture.problem('SELECT 1e400')).code, '22003')
  })
})
