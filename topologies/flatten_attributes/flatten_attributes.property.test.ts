import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Batch, SIGNALS, selectEvents } from '#pipeline/batch/batch.ts'
import { type Value, valueAt } from '#pipeline/batch/column.ts'
import { StageTestDriver } from '#pipeline/testing/driver.ts'
import { oddExport } from '#schemas/otlp/testing/odd_exports.ts'
import { rawBatch, rawExport } from '#schemas/otlp/testing/raw.ts'
import { normalize } from '../normalize/normalize.stage.ts'
import { flatten } from './flatten_attributes.ts'
import { PROMOTED, targetsOf } from './promotion.ts'

function eventAt(batch: Batch, row: number): Record<string, Value> {
  const values = [...batch.columns].map(([name, column]) => [name, valueAt(column, row)] as const)
  return Object.fromEntries(values.filter(([name, value]) => value !== null && name !== 'position').sort())
}

describe('flattening any export', () => {
  for (const signal of SIGNALS) {
    const targets = targetsOf(signal, PROMOTED)

    it(`gives an event what it would have alone: ${signal}`, () => {
      fc.assert(
        fc.property(oddExport(signal), (request) => {
          const batch = new StageTestDriver(normalize).pipe(rawBatch(signal, [rawExport(request, signal)]))
          const together = flatten(batch, targets)
          for (let row = 0; row < batch.eventCount; row++) {
            const alone = flatten(selectEvents(batch, [row]), targets)
            assert.deepEqual(eventAt(alone, 0), eventAt(together, row))
          }
        }),
        { numRuns: 60 },
      )
    })
  }
})
