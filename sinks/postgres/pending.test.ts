import assert from 'node:assert/strict'
import { it } from 'node:test'
import { batchOf } from '#pipeline/testing/samples.ts'
import { Pending } from './pending.ts'
import { defineProjection } from './projection.ts'

const definition = {
  columns: { project_id: 'text', events: 'bigint' },
  key: ['project_id'],
  merge: { events: 'sum' },
} as const

it('has all of a batch or nothing: what throws in between is not half there when others are stored', () => {
  const counts = defineProjection({
    ...definition,
    name: 'counts',
    *rows({ projectId, eventCount }) {
      yield { project_id: projectId, events: eventCount }
    },
  })
  const broken = defineProjection({
    ...definition,
    name: 'broken',
    *rows({ projectId, eventCount }) {
      yield { project_id: projectId, events: 1 }
      if (eventCount === 3) throw new RangeError('three')
    },
  })
  const pending = new Pending([counts, broken])
  const batch = (at: number, events: number) =>
    batchOf(at, { name: ['text', Array.from({ length: events }, () => 'e')] }, { projectId: 'p' })
  pending.add(batch(0, 2), null)
  const { bytes, rows, batches } = pending
  assert.throws(() => pending.add(batch(1, 3), 0), /three/)
  assert.deepEqual([pending.bytes, pending.rows, pending.batches], [bytes, rows, batches])
  assert.deepEqual(
    [counts, broken].map((projection) => [...pending.folds.get(projection)!.rows()]),
    [[['p', 2]], [['p', 1]]],
  )
  assert.equal(pending.advances.get(0)?.to, 0)
})
