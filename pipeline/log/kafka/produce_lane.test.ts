/** The lane against a cluster of the test's own: what it tells of what was stored. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Cluster } from './cluster.ts'
import { ProduceLane } from './produce_lane.ts'

it('tells how far a partition was known to reach when the request was sent, not when it is answered', async () => {
  let known = 3
  const told: unknown[] = []
  const cluster = {
    leader: async () => 1,
    at: async () => {
      // Somebody who waits hears of the record before the answer to the append is there.
      known = 4
      return [{ topic: 't', partition: 0, errorCode: 0, baseOffset: 3 }]
    },
  } as unknown as Cluster
  const lane = new ProduceLane(cluster, {
    maxQueuedBytes: 1_000,
    zstdLevel: 0,
    requestTimeoutMs: 1_000,
    end: () => known,
    stored: (_place, baseOffset, _records, endBefore) => void told.push([baseOffset, endBefore]),
  })
  const record = { topic: 't', partition: 0, value: Buffer.from('x'), timestamp: 1 }
  assert.deepEqual(await lane.append([record]), [3])
  assert.deepEqual(told, [[3, 3]])
  await lane.close()
})
