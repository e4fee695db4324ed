import assert from 'node:assert/strict'
import { it } from 'node:test'
import { beginOf } from './begin.ts'

it('reads offsets and times, with and without the time of day, in UTC', () => {
  assert.deepEqual(beginOf('beginning', 'whatever'), { kind: 'beginning' })
  assert.deepEqual(beginOf('offset', ' 128000 '), { kind: 'offset', offset: 128000 })
  assert.deepEqual(beginOf('time', '2026-11-26'), { kind: 'time', time: '2026-11-26T00:00:00.000Z' })
  assert.deepEqual(beginOf('time', '2026-11-26 9:05'), { kind: 'time', time: '2026-11-26T09:05:00.000Z' })
  assert.deepEqual(beginOf('time', '2026-11-26T14:00:30Z'), { kind: 'time', time: '2026-11-26T14:00:30.000Z' })
})

it('takes nothing else', () => {
  for (const text of ['', '-1', '1.5', 'soon']) assert.equal(beginOf('offset', text), null)
  for (const text of ['', 'yesterday', '2026-13-01', '2026-11-26 25:00']) assert.equal(beginOf('time', text), null)
})
