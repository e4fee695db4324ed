import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { createSqlParser, type SqlParser } from './parser.ts'
import { planStatement } from './plan.ts'
import { type Comparator, type KnownBound, pruneFiles } from './prune.ts'
import type { LakeFile } from './snapshot.ts'

const MINUTE = 60_000_000

function file(over: Partial<LakeFile>): LakeFile {
  return {
    key: 'p/t/date=2026-11-22/f.parquet',
    sizeBytes: 1,
    date: '2026-11-22',
    minTimestamp: 100 * MINUTE,
    maxTimestamp: 200 * MINUTE,
    numRecords: 1,
    min: {},
    max: {},
    ...over,
  }
}

describe('bounds read from WHERE', () => {
  let parser: SqlParser
  before(async () => {
    parser = await createSqlParser()
  })
  after(() => parser.close())

  const planned = async (sql: string, params: readonly string[]) =>
    planStatement(parser, await parser.parse(sql), { projectId: 'p', projectName: 'n', params })

  /** Bounds of each reference, `column comparator`. */
  const bounds = async (sql: string) => {
    const plan = await planned(sql, ['a', 'b'])
    return plan.references.map(({ bounds }) => bounds.map((bound) => `${bound.column.name} ${bound.comparator}`))
  }
  const where = async (condition: string) => (await bounds(`SELECT 1 FROM otel_logs_and_spans o WHERE ${condition}`))[0]

  const understood: readonly (readonly [string, readonly string[]])[] = [
    ["timestamp > '2026-11-22'", ['timestamp >']],
    ["'2026-11-22' >= o.timestamp", ['timestamp <=']],
    ["timestamp BETWEEN '2026-11-22' AND $1", ['timestamp >=', 'timestamp <=']],
    ["timestamp >= now() - interval '15 minutes' AND level = 'ERROR'", ['timestamp >=', 'level =']],
    [
      "timestamp > timestamptz '2026-11-22' AND (context___trace_id = $2 AND id = 'x')",
      ['timestamp >', 'context___trace_id =', 'id ='],
    ],
    ["date = '2026-11-22' AND date < current_date", ['date =', 'date <']],
  ]
  for (const [condition, expected] of understood) {
    it(condition, async () => assert.deepEqual(await where(condition), expected))
  }

  const notUnderstood = [
    "timestamp > '2026-11-22' OR level = 'ERROR'",
    "NOT (timestamp > '2026-11-22' AND level = 'x')",
    'timestamp > observed_timestamp',
    "timestamp <> '2026-11-22'",
    "timestamp + interval '1 day' > '2026-11-22'",
    "timestamp IS DISTINCT FROM '2026-11-22'",
    "CASE WHEN true THEN timestamp > '2026-11-22' END",
    "timestamp > (SELECT '2026-11-22'::timestamptz)",
    'duration > 5',
    "timestamp > random() * '1 day'::interval + now()",
  ]
  for (const condition of notUnderstood) {
    it(`nothing from ${condition}`, async () => assert.deepEqual(await where(condition), []))
  }

  it('each place has its own, and a CTE is none of ours', async () => {
    const sql = `WITH c AS (SELECT * FROM otel_metrics WHERE id = 'a')
      SELECT 1 FROM c, otel_logs_and_spans a, otel_logs_and_spans AS b
      WHERE c.id = 'x' AND a.name = 'y' AND b.level = 'z' AND timestamp > '2026-11-22' AND a.id = b.id`
    assert.deepEqual(await bounds(sql), [['id ='], ['name ='], ['level =']])
  })

  it('gives values as text, parameters filled in', async () => {
    const sql = 'SELECT 1 FROM otel_logs_and_spans WHERE timestamp > $2 AND id = $1'
    const plan = await planned(sql, ["it's", '2026-11-22'])
    assert.equal(
      plan.references[0].boundsSql,
      "SELECT CAST(epoch_us(CAST('2026-11-22' AS \"timestamptz\")) AS varchar), CAST('it''s' AS varchar)",
    )
  })
})

describe('files that a query needs', () => {
  it('are told by time, day and the statistics of texts', () => {
    const needed = (over: Partial<LakeFile>, ...bounds: KnownBound[]) => pruneFiles([file(over)], bounds).length === 1
    const time = (comparator: Comparator, minutes: number): KnownBound => ({
      column: 'timestamp',
      comparator,
      value: minutes * MINUTE,
    })
    // A minute of slack on both sides.
    assert.deepEqual(
      [needed({}, time('>', 200.5)), needed({}, time('>', 201)), needed({}, time('>=', 201))],
      [true, false, true],
    )
    assert.deepEqual(
      [needed({}, time('<', 99.5)), needed({}, time('<', 99)), needed({}, time('<=', 99))],
      [true, false, true],
    )
    assert.deepEqual([needed({}, time('=', 150)), needed({}, time('=', 300))], [true, false])
    assert.equal(needed({ minTimestamp: null }, time('=', 300)), true)
    const day = (comparator: Comparator, value: string): KnownBound => ({ column: 'date', comparator, value })
    assert.deepEqual([needed({}, day('=', '2026-11-22')), needed({}, day('>', '2026-11-22'))], [true, false])
    const id = (value: string): KnownBound => ({ column: 'id', comparator: '=', value })
    const range = { min: { id: 'b' }, max: { id: 'd' } }
    assert.deepEqual(
      ['a', 'b', 'c', 'd', 'e'].map((value) => needed(range, id(value))),
      [false, true, true, true, false],
    )
    assert.equal(needed({}, id('a')), true)
    // Text compares by its UTF-8 bytes: U+FF5E comes before U+1F600, though not as JavaScript compares.
    assert.equal(needed({ min: { id: '\u{ff5e}' }, max: { id: '\u{1f600}' } }, id('\u{1f4a9}')), true)
  })

  it('never lack one that holds a row within the bounds', () => {
    const comparator = fc.constantFrom<Comparator>('=', '<', '<=', '>', '>=')
    const holds: Record<Comparator, (row: number, value: number) => boolean> = {
      '=': (row, value) => row === value,
      '<': (row, value) => row < value,
      '<=': (row, value) => row <= value,
      '>': (row, value) => row > value,
      '>=': (row, value) => row >= value,
    }
    const minutes = fc.integer({ min: 0, max: 20 }).map((count) => count * MINUTE)
    fc.assert(
      fc.property(
        fc.array(minutes, { minLength: 1 }),
        fc.array(fc.tuple(comparator, minutes), { maxLength: 3 }),
        (rows, terms) => {
          const stored = file({ minTimestamp: Math.min(...rows), maxTimestamp: Math.max(...rows) })
          const bounds = terms.map(([comparator, value]): KnownBound => ({ column: 'timestamp', comparator, value }))
          const matches = rows.some((row) => terms.every(([comparator, value]) => holds[comparator](row, value)))
          if (matches) assert.equal(pruneFiles([stored], bounds).length, 1)
        },
      ),
    )
  })
})
