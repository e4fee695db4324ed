import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Quotas } from './quotas.ts'
import { MemoryDirectory } from './testing/directory.ts'
import { VirtualClock } from './testing/virtual_clock.ts'

const HOUR_MS = 3_600_000

function setUp(limits: { eventsPerDay?: number; bytesPerDay?: number }) {
  const clock = new VirtualClock()
  return { clock, quotas: new Quotas(new MemoryDirectory().limit('p', limits), clock) }
}

describe('a quota', () => {
  it('takes events up to its number and not one more', () => {
    const { quotas } = setUp({ eventsPerDay: 10 })
    assert.deepEqual(quotas.take('p', 7, 1), { events: 7 })
    assert.deepEqual(quotas.take('p', 7, 1), { events: 3 })
    const room = quotas.take('p', 1, 1)
    assert.ok('reason' in room)
    assert.match(room.reason, /project p has used its quota of 10 events a day/)
  })

  it('takes exports while a byte is left', () => {
    const { quotas } = setUp({ bytesPerDay: 100 })
    assert.deepEqual(quotas.take('p', 1, 99), { events: 1 })
    assert.deepEqual(quotas.take('p', 5, 50), { events: 5 })
    const room = quotas.take('p', 1, 1)
    assert.ok('reason' in room && /100 bytes a day/.test(room.reason))
  })

  it('begins anew each day (UTC), and says when', () => {
    const { clock, quotas } = setUp({ eventsPerDay: 1 })
    const toMidnight = () => 24 * HOUR_MS - ((clock.now() / 1000) % (24 * HOUR_MS))
    quotas.take('p', 1, 1)
    const room = quotas.take('p', 1, 1)
    assert.ok('reason' in room)
    assert.equal(room.retryAfterMs, Math.ceil(toMidnight()))
    clock.advance(toMidnight() - 1)
    assert.equal(quotas.take('p', 1, 1).events, 0)
    clock.advance(1)
    assert.equal(quotas.take('p', 1, 1).events, 1)
  })

  it('counts what others have taken, once however often it is told, and not what could not be stored', () => {
    const { clock, quotas } = setUp({ eventsPerDay: 10 })
    quotas.take('p', 2, 1)
    for (let times = 0; times < 3; times++) quotas.learn([{ projectId: 'p', events: 6, bytes: 10 }], clock.now())
    assert.deepEqual(quotas.take('p', 9, 1), { events: 4 })
    quotas.giveBack('p', 4, 1)
    assert.deepEqual(quotas.take('p', 9, 1), { events: 4 })
  })

  it('is not used up by an answer about yesterday that comes after midnight', () => {
    const { clock, quotas } = setUp({ eventsPerDay: 10 })
    quotas.take('p', 10, 1)
    const asked = clock.now()
    clock.advance(24 * HOUR_MS)
    quotas.learn([{ projectId: 'p', events: 10, bytes: 1 }], asked)
    assert.deepEqual(quotas.take('p', 9, 1), { events: 9 })
  })

  it('is none where none is set', () => {
    const { quotas } = setUp({})
    for (let times = 0; times < 3; times++) assert.deepEqual(quotas.take('p', 1e9, 1e12), { events: 1e9 })
    assert.deepEqual(quotas.take('unknown', 5, 5), { events: 5 })
  })
})
