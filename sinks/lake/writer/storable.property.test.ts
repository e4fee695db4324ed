/** What the lake's check lets through can be stored: no batch of one project may break the flush it is in. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Batch, Signal } from '#pipeline/batch/batch.ts'
import { type ColumnType, columnOf, type Value } from '#pipeline/batch/column.ts'
import { checkStorable } from '#schemas/tables/check_columns.ts'
import { storedColumns } from '#schemas/tables/stored.ts'
import { tableOf } from '#schemas/tables/tables.ts'
import { sampleLogs } from '../testing/sample_logs.ts'
import { eventsFiles } from './events_file.ts'

const JSON_TEXTS = ['[]', '["a"]', '[1,null]', '[1.5]', '["x', '{"a":[1]}', '{}', 'null', '"text"', '[[1]]', '1', '']
const VALUES: Record<ColumnType, fc.Arbitrary<Value>> = {
  text: fc.string({ maxLength: 8 }),
  json: fc.constantFrom(...JSON_TEXTS),
  bytes: fc.uint8Array({ maxLength: 4 }),
  long: fc.oneof(fc.bigInt({ min: -5n, max: 70_000n }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  double: fc.double(),
  boolean: fc.boolean(),
}
const OWN = ['position', 'attributes.rest', 'resource.rest', 'attributes.a', 'resource.b']

function batches(signal: Signal): fc.Arbitrary<Batch> {
  const { stored } = tableOf(signal)
  /** Where values count, not the type alone. */
  const delicate = stored.filter(({ type }) => type.endsWith('[]') || type === 'integer').map(({ name }) => name)
  const names = fc.oneof(fc.constantFrom(...stored.map(({ name }) => name)), fc.constantFrom(...delicate, ...OWN))
  const column = (rows: number) =>
    fc
      .constantFrom('json', 'long', ...(Object.keys(VALUES) as ColumnType[]))
      .chain((type) =>
        fc.array(fc.option(VALUES[type]), { minLength: rows, maxLength: rows }).map((values) => columnOf(type, values)),
      )
  return fc.integer({ min: 1, max: 3 }).chain((rows) =>
    fc.array(fc.tuple(names, column(rows)), { maxLength: 2 }).map((changes) => {
      const batch = sampleLogs({ rows })
      return { ...batch, signal, columns: new Map([['timestamp', batch.columns.get('timestamp')!], ...changes]) }
    }),
  )
}

for (const signal of ['logs', 'metrics'] as const) {
  test(`what passes the check becomes a file: ${signal}`, () => {
    let passed = 0
    const property = fc.property(batches(signal), (batch) => {
      try {
        checkStorable(batch)
      } catch {
        return
      }
      passed++
      eventsFiles(tableOf(signal), [storedColumns(batch)])
    })
    fc.assert(property, { numRuns: 1000 })
    assert.ok(passed > 40, `only ${passed} passed: the test tests nothing`)
  })
}
