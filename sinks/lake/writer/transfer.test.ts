import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Column, columnOf, rowCount, type Value, valueAt } from '#pipeline/batch/column.ts'
import { sampleLogs } from '../testing/sample_logs.ts'
import { fromTransfer, toTransfer } from './transfer.ts'

const ROWS = 5
const rows = (value: fc.Arbitrary<Value>) => fc.array(fc.option(value), { minLength: ROWS, maxLength: ROWS })
const column = fc.oneof(
  rows(fc.string()).map((values) => columnOf('text', values)),
  rows(fc.uint8Array()).map((values) => columnOf('bytes', values)),
  rows(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })).map((values) => columnOf('long', values)),
  rows(fc.double()).map((values) => columnOf('double', values)),
  rows(fc.boolean()).map((values) => columnOf('boolean', values)),
)
const values = (it: Column) => Array.from({ length: rowCount(it) }, (_, row) => valueAt(it, row))

test('a batch that crosses to the thread is the same batch', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), column, { noNullPrototype: true }), (columns) => {
      const batch = { ...sampleLogs({ rows: 0 }), eventCount: ROWS, columns: new Map(Object.entries(columns)) }
      const sent = toTransfer(batch)
      const received = fromTransfer(structuredClone(sent, { transfer: [sent.buffer] }))
      assert.deepEqual({ ...received, columns: null }, { ...batch, columns: null })
      assert.deepEqual(
        [...received.columns].map(([name, it]) => [name, it.type, values(it)]),
        [...batch.columns].map(([name, it]) => [name, it.type, values(it)]),
      )
    }),
  )
})

test('indexes of every width cross, and the sender keeps its buffers', () => {
  for (const entries of [10, 300, 70_000]) {
    const text = columnOf(
      'text',
      Array.from({ length: entries }, (_, row) => `value ${row}`),
    )
    const batch = { ...sampleLogs({ rows: 0 }), eventCount: entries, columns: new Map([['t', text]]) }
    const sent = toTransfer(batch)
    const received = fromTransfer(structuredClone(sent, { transfer: [sent.buffer] }))
    assert.equal(valueAt(received.columns.get('t')!, entries - 1), `value ${entries - 1}`)
    assert.equal(valueAt(text, entries - 1), `value ${entries - 1}`)
  }
})
