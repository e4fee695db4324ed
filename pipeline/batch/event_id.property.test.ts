import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { batchOf } from '../testing/samples.ts'
import { SIGNALS } from './batch.ts'
import { eventId, eventIds, eventPlace, MAX_OFFSET, MAX_PARTITION, MAX_POSITION } from './event_id.ts'

const places = fc.record({
  receivedMs: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  log: fc.integer({ min: 0, max: 255 }),
  signal: fc.constantFrom(...SIGNALS),
  partition: fc.integer({ min: 0, max: MAX_PARTITION }),
  offset: fc.integer({ min: 0, max: MAX_OFFSET }),
  position: fc.integer({ min: 0, max: MAX_POSITION }),
})

describe('event ids', () => {
  it('are UUIDs of version 8 that say where the event was received', () => {
    fc.assert(
      fc.property(places, (place) => {
        const id = eventId(place)
        assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
        assert.deepEqual(eventPlace(id), { ...place })
      }),
    )
  })

  it('sort by time received, and within a record by position', () => {
    fc.assert(
      fc.property(places, places, (a, b) => {
        if (a.receivedMs !== b.receivedMs) assert.equal(eventId(a) < eventId(b), a.receivedMs < b.receivedMs)
      }),
    )
    const place = { receivedMs: 1, log: 1, signal: 'logs', partition: 1, offset: 1, position: 9 } as const
    assert.ok(eventId(place) < eventId({ ...place, position: 10 }))
  })

  it('refuse what does not fit', () => {
    const place = { receivedMs: 1, log: 1, signal: 'logs', partition: 0, offset: 0, position: 0 } as const
    assert.throws(() => eventId({ ...place, position: MAX_POSITION + 1 }), /position 65536/)
    assert.throws(() => eventId({ ...place, offset: MAX_OFFSET + 1 }), /offset/)
    assert.throws(() => eventId({ ...place, partition: MAX_PARTITION + 1 }), /partition 4096/)
    assert.throws(() => eventPlace('018f4f6e-1111-4abc-8def-000000000000'), /no|not an event id/)
  })

  it('of a batch count its positions', () => {
    const id = eventIds(batchOf(7, { n: ['long', [1n, 2n]], position: ['long', [3n, 9n]] }))
    assert.deepEqual(
      [0, 1].map((row) => eventPlace(id(row)).position),
      [3, 9],
    )
    assert.equal(eventPlace(id(0)).offset, 7)
  })
})
