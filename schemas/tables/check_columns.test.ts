import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Signal } from '#pipeline/batch/batch.ts'
import type { ColumnType, Value } from '#pipeline/batch/column.ts'
import { batchOf } from '#pipeline/testing/samples.ts'
import { checkColumns, checkStorable } from './check_columns.ts'

type Columns = Record<string, readonly [ColumnType, readonly Value[]]>
const TIME = ['long', [1n]] as const

function fault(check: typeof checkColumns, columns: Columns, changes: { signal?: Signal } = {}): string | null {
  try {
    check(batchOf(0, columns, changes))
    return null
  } catch (error) {
    return (error as Error).message
  }
}

test('names the column, its table, the type wanted and the type given', () => {
  assert.equal(
    fault(checkColumns, { level: ['long', [3n]] }),
    'column level of otel_logs_and_spans: it is long, where text wants text',
  )
  assert.equal(
    fault(checkColumns, { duration: ['double', [0.5]] }),
    'column duration of otel_logs_and_spans: it is double, where bigint wants long',
  )
  assert.match(fault(checkColumns, { hashes: ['text', ['a']] })!, /hashes .*: it is text, where text\[\] wants json/)
})

test('looks at values where the type alone does not say it', () => {
  const status = 'attributes___http___response___status_code'
  for (const [columns, expected] of [
    [{ [status]: ['long', [2n ** 31n - 1n, -(2n ** 31n), null]] }, null],
    [{ [status]: ['long', [200n, 2n ** 31n]] }, /2147483648 is not an integer/],
    [{ hashes: ['json', ['["pat:1", "err:2"]', '[]', null]] }, null],
    [{ hashes: ['json', ['{"a": 1}']] }, /no JSON array for text\[\]/],
    [{ hashes: ['json', ['["a"']] }, /no JSON array/],
    [{ 'attributes.rest': ['json', ['{"a": 1}']] }, null],
    [{ 'attributes.rest': ['json', ['[1]']] }, /no JSON object/],
    [{ 'resource.rest': ['text', ['{}']] }, /it is text, not json/],
    [{ position: ['long', [0n, 65_535n]] }, null],
    [{ position: ['long', [65_536n]] }, /65536 is not a position/],
    [{ position: ['long', [-1n]] }, /-1 is not a position/],
  ] as [Columns, RegExp | null][]) {
    const found = fault(checkColumns, columns)
    if (expected === null) assert.equal(found, null, JSON.stringify(Object.keys(columns)))
    else assert.match(found ?? 'nothing', expected)
  }
})

test('integers in lists are written plainly', () => {
  const counts = (text: string) => fault(checkColumns, { hist_bucket_counts: ['json', [text]] }, { signal: 'metrics' })
  for (const fine of ['[]', '[1, -2, null]', '["9223372036854775807"]']) assert.equal(counts(fine), null, fine)
  for (const odd of ['[1.5]', '[1e3]', '["a"]', '[[1]]', '[true]', '12'])
    assert.match(counts(odd)!, /no JSON array/, odd)
})

test('a column of the other table, or of no table, may be of any type', () => {
  assert.equal(fault(checkColumns, { hist_bucket_counts: ['text', ['x']], 'attributes.level': ['long', [1n]] }), null)
  assert.equal(fault(checkColumns, { level: ['long', [1n]] }, { signal: 'metrics' }), null)
})

test('what is made at the sink is not looked at', () => {
  assert.equal(fault(checkColumns, { id: ['long', [1n]], attributes: ['boolean', [true]] }), null)
})

test('to be stored every event needs a time and an id', () => {
  assert.equal(fault(checkStorable, { timestamp: TIME }), null)
  assert.match(fault(checkStorable, { level: ['text', ['INFO']] })!, /timestamp: every event/)
  assert.match(fault(checkStorable, { timestamp: ['long', [1n, null]] })!, /timestamp: every event/)
  const batch = batchOf(0, { timestamp: TIME })
  assert.throws(
    () => checkStorable({ ...batch, raw: { ...batch.raw, partition: 5000 } }),
    /no event ids: partition 5000/,
  )
})
