import assert from 'node:assert/strict'
import { test } from 'node:test'
import { areaOf, areaText, decades, heatOf, nanosOf, parseArea, strength } from './heat.ts'

const FROM = 1_000_000
const rows = [
  { bar: 0, step: 15, traces: 3, errors: 0 },
  { bar: 9, step: 20, traces: '1', errors: '1' },
]
const heat = heatOf(rows, FROM, FROM + 100_000, 10_000)

test('steps are a fifth of a decade, from a microsecond on', () => {
  assert.deepEqual([nanosOf(0), nanosOf(5), nanosOf(15), nanosOf(30)], [1e3, 1e4, 1e6, 1e9])
  assert.deepEqual([heat.bars, heat.steps, heat.most], [10, 10, 3])
  assert.ok(heat.lowest <= 15 && heat.lowest + heat.steps > 20)
  assert.deepEqual(heatOf([], FROM, FROM + 1, 10).cells, [])
  assert.deepEqual(
    decades(heat).map(({ label }) => label),
    ['1 ms', '10 ms'],
  )
})

test('an area holds whole cells, whichever corner comes first', () => {
  const everything = areaOf(heat, [0, 0], [1, 1])
  assert.deepEqual([everything.from, everything.to], [FROM, FROM + 100_000])
  assert.deepEqual([everything.leastNanos, everything.mostNanos], [nanosOf(heat.lowest), nanosOf(heat.lowest + 10)])
  assert.deepEqual(areaOf(heat, [1, 1], [0, 0]), everything)
  const cell = areaOf(heat, [0.05, 0.95], [0.05, 0.95])
  assert.deepEqual([cell.to - cell.from, cell.leastNanos], [10_000, nanosOf(heat.lowest)])
  assert.equal(areaOf({ ...heat, lowest: 0 }, [0, 1], [0, 1]).leastNanos, 0)
  assert.deepEqual(parseArea(areaText(cell)), cell)
  assert.deepEqual(['', 'x/y', '5/1/0/9', '1/2/3'].map(parseArea), [null, null, null, null])
})

test('one trace among thousands is seen', () => {
  assert.ok(strength(1, 5_000) > 0.2)
  assert.equal(strength(5_000, 5_000), 1)
})
