import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InFlight } from './in_flight.ts'
import { Refusal } from './refusal.ts'

test('the bound holds over all leases; what is released can be had again', () => {
  const inFlight = new InFlight(100)
  const first = inFlight.lease()
  const second = inFlight.lease()
  first.grow(60)
  second.grow(40)
  assert.equal(inFlight.bytes, 100)
  assert.throws(
    () => second.grow(1),
    (error: unknown) => error instanceof Refusal && error.kind === 'overloaded' && error.retryAfterMs === 1000,
  )
  assert.equal(inFlight.bytes, 100)
  first.release()
  first.release()
  assert.equal(inFlight.bytes, 40)
  second.grow(60)
  second.release()
  assert.equal(inFlight.bytes, 0)
})
