import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { batchOf } from '#pipeline/testing/samples.ts'
import { usage } from './usage.ts'

const HOUR_MICROS = 3_600_000_000
/** 2026-01-01. */
const START_MICROS = 1_767_225_600_000_000

describe('usage', () => {
  it('counts events and bytes in the hour in which they were received', () => {
    const receivedAt = START_MICROS + 5 * HOUR_MICROS - 1
    const batch = batchOf(0, { body: ['json', ['1', '2']] }, { receivedAt, receivedBytes: 99, signal: 'traces' })
    const hour = START_MICROS + 4 * HOUR_MICROS
    assert.deepEqual([...usage.rows(batch)], [{ project_id: 'project', signal: 'traces', hour, events: 2, bytes: 99 }])
  })

  it('counts the bytes of what was dropped, and nothing of a batch without either', () => {
    const [row] = usage.rows(batchOf(0, {}, { receivedBytes: 99 }))
    assert.deepEqual([row.events, row.bytes], [0, 99])
    assert.deepEqual([...usage.rows(batchOf(0))], [])
  })
})
