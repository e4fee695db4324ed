import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { batchOf } from '#pipeline/testing/samples.ts'
import { serviceHours, services } from './services.ts'

const columns = {
  resource___service___name: ['text', ['cart', 'cart', 'shop', 'cart', null]],
  resource___service___namespace: ['text', ['a', 'a', null, 'b', null]],
  resource___service___version: ['text', ['1', '2', null, null, null]],
  'resource.telemetry.sdk.name': ['text', ['otel', 'otel', 'otel', null, null]],
  resource___telemetry___sdk___language: ['text', ['nodejs', 'nodejs', 'go', null, null]],
  resource___telemetry___sdk___version: ['text', ['2.0', '2.0', '1.9', null, null]],
  level: ['text', ['INFO', 'ERROR', 'FATAL', null, 'WARN']],
} as const
const batch = batchOf(3600, columns, { signal: 'traces' })
const HOUR = 1_767_225_600_000_000 + 3_600_000_000

describe('services', () => {
  it('are counted by what their events say of them', () => {
    const rows = [...services.rows(batch)].map((row) => Object.values(row))
    const of = (logs: number, spans: number, errors: number) => [HOUR, HOUR, logs, spans, 0, errors]
    assert.deepEqual(rows, [
      ['project', 'a', 'cart', '1', 'otel', 'nodejs', '2.0', ...of(0, 1, 0)],
      ['project', 'a', 'cart', '2', 'otel', 'nodejs', '2.0', ...of(0, 1, 1)],
      ['project', '', 'shop', null, 'otel', 'go', '1.9', ...of(0, 1, 1)],
      ['project', 'b', 'cart', null, null, null, null, ...of(0, 1, 0)],
      ['project', '', 'unknown_service', null, null, null, null, ...of(0, 1, 0)],
    ])
  })

  it('are counted by hour', () => {
    const rows = [...serviceHours.rows(batchOf(3601, columns))].map((row) => Object.values(row))
    assert.deepEqual(rows, [
      ['project', 'a', 'cart', HOUR, 2, 1],
      ['project', '', 'shop', HOUR, 1, 1],
      ['project', 'b', 'cart', HOUR, 1, 0],
      ['project', '', 'unknown_service', HOUR, 1, 0],
    ])
  })

  it('count every event once, in whatever order they come', () => {
    const name = fc.constantFrom(null, 'a', 'b', 'c')
    fc.assert(
      fc.property(fc.array(fc.tuple(name, name, fc.constantFrom('ERROR', 'INFO')), { minLength: 1 }), (events) => {
        const of = batchOf(0, {
          resource___service___name: ['text', events.map(([service]) => service)],
          resource___service___version: ['text', events.map(([, version]) => version)],
          level: ['text', events.map(([, , level]) => level)],
        })
        const expected = new Map<string, number[]>()
        for (const [service, version, level] of events) {
          const key = `${service ?? 'unknown_service'} ${version}`
          const [logs, errors] = expected.get(key) ?? [0, 0]
          expected.set(key, [logs + 1, errors + (level === 'ERROR' ? 1 : 0)])
        }
        const rows = [...services.rows(of)]
        const found = rows.map((row) => [`${row.service_name} ${row.service_version}`, [row.logs, row.errors]] as const)
        assert.deepEqual(new Map(found), expected)
        assert.equal(rows.length, expected.size)
      }),
    )
  })
})
