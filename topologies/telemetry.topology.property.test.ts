/** Whatever is sent can be told, by value, from what is stored. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Batch, SIGNALS } from '#pipeline/batch/batch.ts'
import { valueAt } from '#pipeline/batch/column.ts'
import { StageTestDriver } from '#pipeline/testing/driver.ts'
import { type RebuiltEvent, rebuildEvent, type StoredRow } from '#schemas/otlp/rebuild.ts'
import { byValue, type Export, eventsOf } from '#schemas/otlp/testing/by_value.ts'
import { oddExport } from '#schemas/otlp/testing/odd_exports.ts'
import { rawBatch, rawExport } from '#schemas/otlp/testing/raw.ts'
import type { RawBatch } from '#schemas/raw_record.ts'
import { storedColumns } from '#schemas/tables/stored.ts'
import { fingerprintErrors } from './fingerprint_errors/fingerprint_errors.stage.ts'
import { flattenAttributes } from './flatten_attributes/flatten_attributes.stage.ts'
import { normalize } from './normalize/normalize.stage.ts'

/** Through the three stages, by way of the real bytes of their topics. */
function events(raw: RawBatch): Batch {
  const drivers = [normalize, flattenAttributes, fingerprintErrors].map((stage) => new StageTestDriver(stage as never))
  const batch = drivers.reduce((value, driver) => driver.pipe(value as never), raw as unknown) as Batch
  assert.deepEqual(
    drivers.flatMap((driver) => driver.deadLetters),
    [],
  )
  return batch
}

function rows(batch: Batch): StoredRow[] {
  if (batch.eventCount === 0) return []
  const { columns } = storedColumns(batch)
  return Array.from({ length: batch.eventCount }, (_, row) =>
    Object.fromEntries([...columns].map(([name, column]) => [name, valueAt(column, row)])),
  )
}

function comparable(event: RebuiltEvent): object {
  return byValue(event)
}

describe('what is stored says what was sent', () => {
  for (const signal of SIGNALS) {
    it(signal, () => {
      const sent = fc.array(oddExport(signal), { minLength: 1, maxLength: 3 })
      fc.assert(
        fc.property(sent, (requests: Export[]) => {
          const exports = requests.map((request, at) => rawExport(request, signal, at))
          const stored = rows(events(rawBatch(signal, exports)))
          const rebuilt = stored.map((row) => comparable(rebuildEvent(row, signal)))
          const expected = requests.flatMap((request) => eventsOf(request, signal)).map(comparable)
          assert.deepEqual(rebuilt, expected)
        }),
        { numRuns: Number(process.env.RUNS ?? 60) },
      )
    })
  }
})
