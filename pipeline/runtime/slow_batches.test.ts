import assert from 'node:assert/strict'
import { it } from 'node:test'
import { SlowBatches } from './slow_batches.ts'

it('a stage that takes over a second for a batch is warned of by name, once a minute', () => {
  const warned: unknown[] = []
  const slow = new SlowBatches({ warn: (...said: unknown[]) => void warned.push(said[0]) }, 'crunch')
  slow.ran(1_000, 1, 0)
  assert.deepEqual(warned, [])
  slow.ran(1_000.6, 7, 5_000)
  slow.ran(2_000, 8, 5_001)
  slow.ran(3_000, 9, 64_999)
  assert.deepEqual(warned.splice(0), [{ part: 'crunch', duration_ms: 1_001, events: 7, slow_batches: 1 }])
  slow.ran(4_000, 10, 65_000)
  assert.deepEqual(warned, [{ part: 'crunch', duration_ms: 4_000, events: 10, slow_batches: 3 }])
})
