import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neighbour, ZoomSteps } from './windows.ts'

const now = Date.UTC(2026, 10, 22, 12)
const MIN = 60_000

test('the window before and the one after, until now', () => {
  const live = { range: { lastMs: 15 * MIN }, until: null }
  const before = neighbour(live, -1, now)
  assert.deepEqual(before, { from: now - 30 * MIN, to: now - 15 * MIN })
  assert.deepEqual(neighbour({ range: before, until: null }, -1, now), { from: now - 45 * MIN, to: now - 30 * MIN })
  assert.deepEqual(neighbour({ range: before, until: null }, 1, now), { lastMs: 15 * MIN })
  assert.deepEqual(neighbour(live, 1, now), { lastMs: 15 * MIN })
  const paused = { range: { lastMs: MIN }, until: now - 10 * MIN }
  assert.deepEqual(neighbour(paused, 1, now), { from: now - 10 * MIN, to: now - 9 * MIN })
})

test('zooming out goes back the way one came, as far as is remembered', () => {
  const steps = new ZoomSteps()
  for (let at = 0; at < 25; at++) steps.push({ range: { lastMs: at }, until: null })
  const back = Array.from({ length: 21 }, () => steps.pop()?.range)
  assert.deepEqual(back[0], { lastMs: 24 })
  assert.deepEqual([back[19], back[20]], [{ lastMs: 5 }, undefined])
})
