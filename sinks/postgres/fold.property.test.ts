import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fold } from './fold.ts'
import type { Row, Value } from './projection.ts'
import { arbitraryRow, everyMerge } from './testing/every_merge.ts'

function folded(rows: Iterable<Row>): (readonly Value[])[] {
  const fold = new Fold(everyMerge)
  for (const row of rows) fold.add(row)
  return [...fold.rows()]
}

function rowOf(values: readonly Value[]): Row {
  return Object.fromEntries(everyMerge.columns.map(({ name }, at) => [name, values[at]]))
}

test('rows folded in any chunks, and the chunks folded, are the rows folded at once', () => {
  fc.assert(
    fc.property(fc.array(fc.array(arbitraryRow, { maxLength: 6 }), { maxLength: 6 }), (chunks) => {
      const inChunks = folded(chunks.flatMap((chunk) => folded(chunk).map(rowOf)))
      assert.deepEqual(inChunks, folded(chunks.flat()))
    }),
    { numRuns: 500 },
  )
})
