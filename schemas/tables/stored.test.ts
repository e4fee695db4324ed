import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Batch, Signal } from '#pipeline/batch/batch.ts'
import { type Column, columnOf, isDictionary, valueAt } from '#pipeline/batch/column.ts'
import { eventIds } from '#pipeline/batch/event_id.ts'
import { storedColumn, storedColumns } from './stored.ts'

const NOON = Date.parse('2026-03-04T12:00:00Z') * 1000
const DAY = 86_400_000_000

function batchOf(columns: Record<string, Column>, rows: number, signal: Signal = 'logs'): Batch {
  const place = { log: 'ab000000-0000-4000-8000-000000000000', topic: 'telemetry.raw.v1', partition: 3, offset: 7 }
  const timestamp = columnOf('long', Array(rows).fill(BigInt(NOON)))
  return {
    contract: 1,
    projectId: '11111111-2222-4333-8444-555555555555',
    signal,
    receivedAt: NOON,
    eventCount: rows,
    origin: { ...place, previous: 6 },
    raw: place,
    receivedBytes: 0,
    outcomes: new Map(),
    columns: new Map(Object.entries({ timestamp, ...columns })),
  }
}

function values(column: Column | null | undefined, rows: number) {
  assert.ok(column, 'the column is there')
  return Array.from({ length: rows }, (_, row) => valueAt(column, row))
}

test('same-named columns pass through untouched and absent ones stay absent', () => {
  const level = columnOf('text', ['INFO', null])
  const { columns } = storedColumns(batchOf({ level, 'attributes.a': columnOf('text', ['x', null]) }, 2))
  assert.equal(columns.get('level'), level)
  assert.equal(columns.has('name'), false)
  assert.equal(columns.has('attributes.a'), false)
  assert.equal(columns.has('ingested_at'), false, 'only metrics have it')
})

test('ids are the lineage, by position', () => {
  const batch = batchOf({ position: columnOf('long', [0, 4660, 65535].map(BigInt)) }, 3)
  const id = eventIds(batch)
  assert.deepEqual(values(storedColumn(batch, 'id'), 3), [id(0), id(1), id(2)])
  const counted = batchOf({}, 300)
  assert.deepEqual(
    values(storedColumn(counted, 'id'), 300),
    Array.from({ length: 300 }, (_, row) => eventIds(counted)(row)),
  )
})

test('the date is the event’s, unless its clock is more than seven days off', () => {
  const at = [NOON, NOON - 7 * DAY, NOON - 7 * DAY - 1, NOON + 8 * DAY, -5, 9_100_000_000_000_000].map(BigInt)
  const batch = batchOf({ timestamp: columnOf('long', at) }, at.length)
  const days = Array.from(storedColumns(batch).dates, (day) => new Date(day * 86_400_000).toISOString().slice(0, 10))
  const received = '2026-03-04'
  assert.deepEqual(days, [received, '2026-02-25', received, received, received, received])
})

test('metrics have the time they came in', () => {
  const batch = batchOf({}, 1, 'metrics')
  assert.deepEqual(values(storedColumn(batch, 'ingested_at'), 1), [BigInt(NOON)])
})

test('attributes are one object per row, every type by value', () => {
  const packed = storedColumn(
    batchOf(
      {
        'attributes.text "q"': columnOf('text', ['plain', 'a"b\\c\n\u0001', 'héllo ☃ 𝄞', null]),
        'attributes.long': columnOf('long', [9223372036854775807n, -9223372036854775808n, -1n, null]),
        'attributes.double': columnOf('double', [1, -0, 1e300, null]),
        'attributes.odd': columnOf('double', [Number.NaN, Number.POSITIVE_INFINITY, 5e-324, null]),
        'attributes.flag': columnOf('boolean', [true, false, null, null]),
        'attributes.list': columnOf('json', ['[1,2]', '{"a":{}}', null, null]),
      },
      4,
    ),
    'attributes',
  )
  assert.deepEqual(values(packed, 4), [
    '{"text \\"q\\"":"plain","long":9223372036854775807,"double":1.0,"odd":"NaN","flag":true,"list":[1,2]}',
    '{"text \\"q\\"":"a\\"b\\\\c\\n\\u0001","long":-9223372036854775808,"double":-0.0,"odd":"Infinity","flag":false,"list":{"a":{}}}',
    '{"text \\"q\\"":"héllo ☃ 𝄞","long":-1,"double":1e+300,"odd":5e-324}',
    null,
  ])
})

test('zero and minus zero stay apart, 2^32 neighbours too', () => {
  const doubles = columnOf('double', [0, -0, 0])
  const longs = columnOf('long', [4294967295n, -1n, 2147483648n])
  const packed = storedColumn(batchOf({ 'resource.d': doubles, 'resource.l': longs }, 3), 'resource')
  assert.deepEqual(values(packed, 3), ['{"d":0.0,"l":4294967295}', '{"d":-0.0,"l":-1}', '{"d":0.0,"l":2147483648}'])
})

test('the rest joins the object; a key that the row has as a column is not doubled', () => {
  const rest = columnOf('json', [
    '{"b":1}',
    '{"a":"again","c":[{"a":1},"}"],"z":12345678901234567890}',
    '{}',
    '{"a":2}',
  ])
  const packed = storedColumn(
    batchOf({ 'attributes.a': columnOf('text', ['x', 'y', null, null]), 'attributes.rest': rest }, 4),
    'attributes',
  )
  assert.deepEqual(values(packed, 4), [
    '{"a":"x","b":1}',
    '{"a":"y","c":[{"a":1},"}"],"z":12345678901234567890}',
    null,
    '{"a":2}',
  ])
})

test('equal objects are packed once', () => {
  const rows = 5000
  const service = columnOf(
    'text',
    Array.from({ length: rows }, (_, row) => `service-${Math.floor(row / 100) % 7}`),
  )
  const packed = storedColumn(batchOf({ 'resource.service.name': service }, rows), 'resource')
  assert.ok(packed && isDictionary(packed))
  assert.equal(packed.offsets.length - 1, 7)
  assert.equal(valueAt(packed, rows - 1), '{"service.name":"service-0"}')
})

test('a column of the wrong type is a broken promise', () => {
  const batch = batchOf({ level: columnOf('long', [1n]) }, 1)
  assert.throws(() => storedColumns(batch), {
    name: 'InvariantError',
    message: 'column level is long; text wants text',
  })
})

test('an empty batch has no rows', () => {
  const { columns, dates } = storedColumns(batchOf({}, 0))
  assert.equal(dates.length, 0)
  assert.equal(columns.get('id')?.type, 'text')
})
