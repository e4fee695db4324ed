import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFilter } from '#schemas/filter/parser.ts'
import { otelLogsAndSpans } from '#schemas/tables/tables.ts'
import { cellConditions, cellText } from './cells.ts'
import { columnNamed, USUAL_COLUMNS } from './columns.ts'
import { listedEvent } from './event.ts'

const ROUTE = "attributes->>'http.route'"
const STATUS = 'attributes___http___response___status_code'
const columns = [...USUAL_COLUMNS, ROUTE, STATUS].map((name) => columnNamed(name, otelLogsAndSpans.stored)!)
const row = {
  id: 'e1',
  timestamp: '2026-11-22T14:00:00.001250Z',
  kind: 'server',
  name: "GET /it's",
  resource___service___name: 'cart',
  duration: '1500000',
  attributes: { 'http.route': '/it', 'http.response.status_code': 200 },
  [STATUS]: 200,
}

test('every cell says what its column holds', () => {
  const event = listedEvent(row, columns)
  assert.deepEqual(
    columns.map((column) => cellText(event, column)),
    ['2026-11-22T14:00:00.001250Z', '', 'cart', 'server', "GET /it's", '1.50 ms', '/it', '200'],
  )
})

test('what a cell chooses is a filter that holds', () => {
  const event = listedEvent(row, columns)
  const chosen = columns.map((column) => cellConditions(event, column)?.only)
  assert.deepEqual(chosen, [
    undefined,
    'level IS NULL',
    "resource___service___name = 'cart'",
    "kind = 'server'",
    "name = 'GET /it''s'",
    'duration >= 1500000',
    "attributes->>'http.route' = '/it'",
    `${STATUS} = 200`,
  ])
  const log = listedEvent({ ...row, kind: 'log', body: 'said "no"\nand left', duration: null })
  assert.equal(cellConditions(log, columns[4])?.only, '"said ""no"""')
  for (const each of [event, log])
    for (const column of columns)
      for (const text of Object.values(cellConditions(each, column) ?? {}))
        assert.doesNotThrow(() => parseFilter(text, otelLogsAndSpans), text)
})
