import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ProgressMeter } from './progress_meter.ts'

const counted = (at: number, events: number, caughtUp = false) => ({
  partitions: [
    { partition: 0, begin: 10, at: 10 + at, end: 110 },
    { partition: 1, begin: 0, at, end: 100 },
  ],
  ...{ events, records: 2 * at, deadLetters: 0, caughtUp },
})

it('measures rates over the last seconds, and from them the time left', () => {
  const meter = new ProgressMeter()
  assert.equal(meter.measured(counted(0, 0), 0).secondsLeft, null, 'nothing is known yet')
  for (let second = 1; second <= 10; second++) meter.measured(counted(0, 0), second * 1000)
  const now = meter.measured(counted(20, 4_000), 20_000)
  assert.deepEqual([now.records, now.recordsTotal], [40, 200])
  assert.equal(now.eventsPerSecond, 400, 'what was before is forgotten')
  assert.equal(now.secondsLeft, 40)
  assert.equal(meter.measured(counted(100, 9_000, true), 21_000).secondsLeft, 0)
})
