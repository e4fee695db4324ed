import assert from 'node:assert/strict'
import { test } from 'node:test'
import { otelLogsAndSpans } from '#schemas/tables/tables.ts'
import { columnNamed, isNumber, moved, USUAL_COLUMNS, valueIn } from './columns.ts'

const named = (name: string) => columnNamed(name, otelLogsAndSpans.stored)

test('columns of the table and paths into its json are columns of the list; nothing else is', () => {
  assert.deepEqual(
    ["attributes->>'http.route'", "attributes->'user'->>'it''s'", 'resource___service___version', 'parent_id'].map(
      (name) => [named(name)?.title, named(name)?.source, named(name)?.keys],
    ),
    [
      ['http.route', 'attributes', ['http.route']],
      ["user.it's", 'attributes', ['user', "it's"]],
      ['resource.service.version', 'resource___service___version', []],
      ['parent_id', 'parent_id', []],
    ],
  )
  assert.ok(USUAL_COLUMNS.every((name) => named(name) !== null))
  for (const name of ['', 'nothing', "name->>'x'", "attributes->>'", 'attributes; DROP', 'summary', 'count(*)'])
    assert.equal(named(name), null, name)
})

test('numbers are told from texts', () => {
  assert.deepEqual(
    ['attributes___http___response___status_code', 'name', "attributes->>'n'"].map((name) => isNumber(named(name)!)),
    [true, false, false],
  )
})

test('a dotted key and nested objects are two spellings of one path', () => {
  const row = { name: 'GET /', attributes: { 'a.b': 1, c: { d: 'nested', 'e.f': false } } }
  const value = (name: string) => valueIn(row, named(name)!)
  assert.deepEqual(
    ['name', "attributes->>'a.b'", "attributes->'a'->>'b'", "attributes->>'c.d'", "attributes->'c'->>'e.f'"].map(value),
    ['GET /', 1, 1, 'nested', false],
  )
  assert.deepEqual([value("attributes->>'x'"), value("resource->>'a'"), value('level')], [null, null, null])
})

test('a column moves, within the ends', () => {
  assert.deepEqual(moved(['a', 'b', 'c'], 0, 2), ['b', 'c', 'a'])
  assert.deepEqual(moved(['a', 'b', 'c'], 2, 0), ['c', 'a', 'b'])
  assert.deepEqual(moved(['a', 'b', 'c'], 0, -1), ['a', 'b', 'c'])
  assert.deepEqual(moved(['a', 'b', 'c'], 1, 9), ['a', 'c', 'b'])
})
