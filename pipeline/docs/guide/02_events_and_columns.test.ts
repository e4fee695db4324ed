/**
 * # 2. Events and columns
 *
 * Use the lowest rung that works: `mapColumn` (one column), `mapEvents` (event by event), `mapBatch` (the batch as a whole).
 * Rungs combine with RxJS's `pipe`. Columns have the names of the SQL table (`level`, `body`, `duration` …); attributes that
 * have no column of their own are `attributes.<key>`. `schemas/tables/README.md` lists them.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { defineTransform, keep, mapEvents } from 'millrace'
import { batchOf, describeTransform, driverOf, eventsOf } from 'millrace/testing'
import { z } from 'zod'

/** Settings are a schema in which everything has a default; `slow.with({ overMs: 200 })` gives the same with another. */
export const markSlow = defineTransform({
  name: 'mark_slow',
  config: z.strictObject({ overMs: z.number().positive().default(1000) }),
  build: ({ overMs }) =>
    mapEvents((event) => {
      const duration = event.get('duration')
      return typeof duration === 'bigint' && duration > BigInt(overMs) * 1_000_000n
        ? keep({ 'attributes.slow': true })
        : keep()
    }),
})

const batch = batchOf(0, {
  name: ['text', ['quick', 'slow', 'a log']],
  duration: ['long', [2_000_000n, 1_500_000_000n, null]],
})

it('sets a column where it is needed; int64 is a bigint', () => {
  assert.deepEqual(eventsOf(driverOf(markSlow).pipe(batch)), [
    { name: 'quick', duration: 2_000_000n },
    { name: 'slow', duration: 1_500_000_000n, 'attributes.slow': true },
    { name: 'a log' },
  ])
})

it('takes other settings, and refuses wrong ones by name', () => {
  const [quick] = eventsOf(driverOf(markSlow.with({ overMs: 1 })).pipe(batch))
  assert.equal(quick['attributes.slow'], true)
  assert.throws(() => driverOf(markSlow.with({ overMs: -1 })), /overMs/)
})

describeTransform(markSlow, [batch])
