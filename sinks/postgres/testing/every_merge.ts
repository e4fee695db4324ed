/** A projection with every kind of merge, fed by hand; and rows for it. */
import fc from 'fast-check'
import type { Batch } from '#pipeline/batch/batch.ts'
import { batchOf } from '#pipeline/testing/samples.ts'
import { defineProjection, type Row } from '../projection.ts'

const rowsOfBatch = new WeakMap<Batch, readonly Row[]>()

export const everyMerge = defineProjection({
  name: 'every_merge',
  columns: {
    name: 'text',
    part: 'bigint',
    total: 'bigint',
    highest: 'bigint',
    latest: 'timestamptz',
    earliest: 'timestamptz',
    day: 'date',
    opened: 'text',
    closed: 'boolean',
    ratio: 'double precision',
    version: 'text',
  },
  key: ['name', 'part'],
  merge: {
    total: 'sum',
    highest: 'max',
    latest: 'max',
    earliest: 'min',
    day: 'min',
    opened: 'first',
    closed: 'last',
    ratio: 'last',
    version: { last: 'latest' },
  },
  rows: (batch) => (rowsOfBatch.get(batch) ?? []) as readonly never[],
})

/** The batch at `offset` that gives these rows. */
export function batchWith(offset: number, rows: readonly Row[]): Batch {
  const batch = batchOf(offset)
  rowsOfBatch.set(batch, rows)
  return batch
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('\0', '\\N', '\\.', '\t\n\r\\', '\ud800', 'x'.repeat(300)),
)
const integer = fc.integer({ min: -5, max: 5 })
const micros = fc.integer({ min: 0, max: 4 }).map((at) => 1_767_225_600_000_001 + at)
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 3 })

/** Few keys, so that rows meet. */
export const arbitraryRow: fc.Arbitrary<Row> = fc.record({
  name: fc.oneof(fc.constantFrom('', 'a', 'A', 'ä', '\\N', 'a\tb', '\0'), text),
  part: fc.constantFrom(0, 1),
  total: orNull(integer),
  highest: orNull(integer),
  latest: orNull(micros),
  earliest: orNull(micros),
  day: orNull(fc.constantFrom('1969-12-31', '2026-01-01', '2026-12-31')),
  opened: orNull(text),
  closed: orNull(fc.boolean()),
  ratio: orNull(fc.constantFrom(0.1, -1e300, Number.NaN, Number.POSITIVE_INFINITY)),
  version: orNull(text),
})
