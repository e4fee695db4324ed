import assert from 'node:assert/strict'
import { it } from 'node:test'
import { moodAt } from './scenario.ts'

it('has in every minute a slow spell of ten seconds, a burst, and an incident', () => {
  for (const minute of [0, 7]) {
    const seconds = Array.from({ length: 60 }, (_, second) => moodAt(minute + (second + 0.5) / 60))
    const count = (of: (mood: (typeof seconds)[0]) => boolean) => seconds.filter(of).length
    assert.equal(
      count(({ catalogMs }) => catalogMs > 200),
      10,
    )
    assert.equal(
      count(({ customers }) => customers > 10),
      6,
    )
    assert.ok(count(({ failingPayments }) => failingPayments >= 0.5) >= 10)
    assert.ok(count(({ customers, catalogMs }) => customers === 4 && catalogMs === 3) > 25, 'and is quiet else')
  }
})

it('deploys checkout once, for good', () => {
  const versions = [0, 0.5, 0.89, 0.9, 1, 5.2].map((minutes) => moodAt(minutes).checkoutVersion)
  assert.deepEqual(versions, ['1.4.0', '1.4.0', '1.4.0', '1.5.0', '1.5.0', '1.5.0'])
})
