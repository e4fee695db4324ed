import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { columnOf, type Value } from '#pipeline/batch/column.ts'
import { createParquetReader } from '../testing/parquet_reader.ts'
import { type ColumnPart, mergeColumn } from '../writer/merge_columns.ts'
import { mergeLists } from '../writer/merge_lists.ts'
import { ParquetFile } from './parquet_file.ts'
import { listOf, optional } from './schema.ts'

const reader = await createParquetReader()
after(() => reader.close())

const FIELDS = [
  optional('text', 'bytes', 'string'),
  optional('long', 'int64'),
  optional('integer', 'int32'),
  optional('double', 'double'),
  optional('boolean', 'boolean'),
  listOf('list', 'bytes', 'string'),
]

const VALUES = [
  fc.oneof(fc.constantFrom('a', 'b', ''), fc.string({ unit: 'grapheme' })),
  fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.integer({ min: 0, max: 3 }).map(BigInt)),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.array(fc.option(fc.string()), { maxLength: 4 }).map((list) => JSON.stringify(list)),
]
const TYPES = ['text', 'long', 'long', 'double', 'boolean', 'json'] as const

/** A batch: rows of it, and per column its values or, for a column the batch lacks, null. */
const part = fc
  .integer({ min: 0, max: 20 })
  .chain((rows) =>
    fc.tuple(
      fc.constant(rows),
      ...VALUES.map((value) =>
        fc.option(fc.array(fc.option(value as fc.Arbitrary<Value>), { minLength: rows, maxLength: rows })),
      ),
    ),
  )

test('batches merged in any order of rows read back by value', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(part, { minLength: 1, maxLength: 4 }),
      fc.infiniteStream(fc.nat()),
      async (parts, order) => {
        const total = parts.reduce((sum, [rows]) => sum + rows, 0)
        if (total === 0) return
        // Any subset of the rows, in any order: a file holds one day's rows.
        const rows = Uint32Array.from({ length: total }, (_, at) => at).filter(() => order.next().value % 4 !== 0)
        rows.sort(() => (order.next().value % 2 === 0 ? -1 : 1))
        if (rows.length === 0) return
        const file = new ParquetFile(FIELDS)
        file.addRowGroup(rows.length, (leaf) => {
          const columns = parts.map(([count, ...values]): ColumnPart => {
            const column = (values as (Value[] | null)[])[leaf]
            return { column: column === null ? null : columnOf(TYPES[leaf], column), rows: count }
          })
          const type = (['bytes', 'int64', 'int32', 'double', 'boolean', 'bytes'] as const)[leaf]
          if (leaf === 5) return mergeLists(columns, rows, 'bytes')
          return mergeColumn(columns, rows, { type, ordered: true, prefixed: leaf === 0 && total % 2 === 0 })
        })
        const all = parts.flatMap(([count, ...values]) =>
          Array.from({ length: count }, (_, row) =>
            (values as (Value[] | null)[]).map((column, at) => {
              const value = column?.[row] ?? null
              return at === 5 && value !== null ? JSON.parse(value as string) : value
            }),
          ),
        )
        const expected = Array.from(rows, (row) => all[row])
        assert.deepEqual(await reader.rows(file.finish()), expected)
      },
    ),
    { numRuns: 150 },
  )
})
