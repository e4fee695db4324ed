import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { columnOf } from '#pipeline/batch/column.ts'
import type { StoredEvents } from '#schemas/tables/stored.ts'
import { MAX_FILE_ROWS, rowsByDay } from './row_order.ts'

const partOf = (events: readonly { time: bigint; day: number }[]): StoredEvents => ({
  columns: new Map([
    [
      'timestamp',
      columnOf(
        'long',
        events.map(({ time }) => time),
      ),
    ],
  ]),
  dates: Int32Array.from(events, ({ day }) => day),
})

const event = fc.record({
  day: fc.constantFrom(20_000, 20_001),
  time: fc.oneof(
    fc.bigInt({ min: 0n, max: 5n }),
    fc.bigInt({ min: 0n, max: 2n ** 40n }),
    fc.bigInt({ min: -(2n ** 52n), max: 2n ** 52n }),
  ),
})

test('rows come by day, then by time, then as they came', () => {
  fc.assert(
    fc.property(fc.array(fc.array(event, { maxLength: 30 }), { minLength: 1, maxLength: 4 }), (batches) => {
      const all = batches.flat().map((it, row) => ({ ...it, row }))
      if (all.length === 0) return
      const expected = [...new Set(all.map(({ day }) => day))]
        .sort((a, b) => a - b)
        .map((day) => ({
          day,
          rows: all
            .filter((it) => it.day === day)
            .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : a.row - b.row))
            .map(({ row }) => row),
        }))
      const actual = rowsByDay(batches.map(partOf)).map(({ day, rows }) => ({ day, rows: [...rows] }))
      assert.deepEqual(actual, expected)
    }),
    { numRuns: 500 },
  )
})

test('only rows that need no other order are said to be as they came', () => {
  const at = (...times: number[]) => times.map((time) => ({ time: BigInt(time), day: 1 }))
  assert.equal(rowsByDay([partOf(at(1, 2)), partOf(at(2, 3))])[0].asTheyCame, true)
  assert.equal(rowsByDay([partOf(at(1, 3)), partOf(at(2, 4))])[0].asTheyCame, false)
  const twoDays = [
    { time: 1n, day: 1 },
    { time: 2n, day: 2 },
  ]
  assert.deepEqual(
    rowsByDay([partOf(twoDays)]).map((it) => it.asTheyCame),
    [false, false],
  )
})

test('more rows than the sort keys can number are refused', () => {
  const times = new BigInt64Array(MAX_FILE_ROWS + 1)
  const part: StoredEvents = {
    columns: new Map([['timestamp', { type: 'long', values: times, present: null }]]),
    dates: new Int32Array(times.length),
  }
  assert.throws(() => rowsByDay([part]), { name: 'InvariantError' })
})
