import assert from 'node:assert/strict'
import { test } from 'node:test'
import { otelLogsAndSpans } from '#schemas/tables/tables.ts'
import { columnNamed, USUAL_COLUMNS } from './columns.ts'
import { facetsOf, facetsSql, facetValues, MAX_FACETS } from './facets.ts'

const named = (name: string) => columnNamed(name, otelLogsAndSpans.stored)!
const usual = USUAL_COLUMNS.map(named)
const selection = { from: 0, to: 1_000, where: "kind = 'log'" }
const two = [
  { operand: 'level', title: 'Level' },
  { operand: 'name', title: 'Name' },
]

test('columns added to the list are facets where values repeat, and there are not too many', () => {
  const operands = (names: readonly string[]) => facetsOf([...usual, ...names.map(named)]).map(({ operand }) => operand)
  const [always, more] = [operands([]), operands(["attributes->>'region'", 'body', 'end_time', 'hashes', 'name'])]
  assert.deepEqual(more, [...always, "attributes->>'region'"])
  const many = Array.from({ length: 30 }, (_, at) => `attributes->>'k${at}'`)
  assert.equal(operands(many).length, MAX_FACETS)
})

test("a facet's own condition does not count for it, all others do", () => {
  const chips = [
    { chip: "level = 'ERROR'", where: "level = 'ERROR'" },
    { chip: 'duration > 5', where: 'duration > 5' },
  ]
  const sql = facetsSql(two, selection, chips)
  assert.match(sql, /AND \(kind = 'log'\) AND \(duration > 5\)|AND \(\(kind = 'log'\) AND \(duration > 5\)\)/)
  assert.match(sql, /WHEN v0 IS NOT NULL THEN count\(\*\) WHEN v1 IS NOT NULL THEN count\(\*\) FILTER \(c0\)/)
  assert.equal(sql.split("level = 'ERROR'").length, 2, 'not in WHERE')
  assert.doesNotMatch(facetsSql(two, { ...selection, where: null }, []), /FILTER|AND \(/)
})

test('answers by facet; no value is told from an empty one', () => {
  const rows = [
    { facet: 0, value: '\uE000', events: 5 },
    { facet: 0, value: '', events: '3' },
    { facet: 1, value: 'GET /', events: 1 },
  ]
  assert.deepEqual(facetValues(two, rows), [
    [
      { value: '', events: 3 },
      { value: null, events: 5 },
    ],
    [{ value: 'GET /', events: 1 }],
  ])
})
