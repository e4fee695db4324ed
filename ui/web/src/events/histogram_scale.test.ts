import assert from 'node:assert/strict'
import { test } from 'node:test'
import { barWidthMs, ticksOf } from './histogram_scale.ts'

const MIN = 60_000

test('bars are round and at most a hundred', () => {
  assert.deepEqual([5 * MIN, 15 * MIN, 60 * MIN, 24 * 60 * MIN].map(barWidthMs), [5_000, 10_000, MIN, 15 * MIN])
  for (let ms = 1_000; ms < 1e12; ms *= 1.7) assert.ok(ms / barWidthMs(ms) <= 100, `${ms}`)
})

test('ticks are round, few, and within', () => {
  const from = Date.UTC(2026, 10, 22, 14, 17, 7)
  assert.deepEqual(
    ticksOf(from, from + 15 * MIN).map(({ label }) => label),
    ['14:18', '14:20', '14:22', '14:24', '14:26', '14:28', '14:30'],
  )
  assert.equal(ticksOf(from, from + 9 * 86_400_000).at(0)?.label, '11-23')
  for (let ms = 1_000; ms < 1e12; ms *= 1.7) {
    const ticks = ticksOf(from, from + ms)
    assert.ok(ticks.length <= 9 && ticks.every(({ at }) => at > from && at < from + ms), `${ms}`)
  }
})
