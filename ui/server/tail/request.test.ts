import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readRequest } from './request.ts'

const NOON = Date.parse('2026-11-22T12:00:00Z')
const read = (parameters: Record<string, string>) =>
  readRequest(new URLSearchParams(parameters), 'telemetry.events.v1', NOON)

describe('the parameters of a tail', () => {
  for (const [from, time] of [
    ['-90s', '2026-11-22T11:58:30.000000Z'],
    ['-15m', '2026-11-22T11:45:00.000000Z'],
    ['-2h', '2026-11-22T10:00:00.000000Z'],
    ['-1d', '2026-11-21T12:00:00.000000Z'],
    ['-999999999d', '1970-01-01T00:00:00.000000Z'],
    ['2026-11-22 13:30+02:00', '2026-11-22T11:30:00.000000Z'],
    ['2026-11-22', '2026-11-22T00:00:00.000000Z'],
  ] as const) {
    it(`from ${from}`, () => assert.equal(read({ from }).from, time))
  }

  for (const from of ['15m', '-15', '-1.5h', 'now', '2026-13-01', '']) {
    it(`not from ${JSON.stringify(from)}`, () => assert.throws(() => read({ from }), /^TailError: from: expected/))
  }

  it('are all optional', () => {
    const { table, filter, from, resume, columns } = read({})
    assert.deepEqual([table.name, filter, from, resume], ['otel_logs_and_spans', null, null, null])
    assert.ok(columns.some(({ name }) => name === 'body'))
  })

  it('choose columns of the table, each once, or all that are stored', () => {
    assert.deepEqual(
      read({ columns: 'name, id,name' }).columns.map(({ name }) => name),
      ['name', 'id'],
    )
    const metrics = read({ table: 'otel_metrics', columns: '*', filter: 'value > 1' })
    assert.deepEqual(metrics.columns, metrics.table.stored)
  })
})
