/** Part of the conformance suite of logs: topics are given more partitions. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OperatorError } from '../errors/errors.ts'
import { joined, readAll, record, texts } from '../testing/log_steps.ts'
import type { EventLog } from './log.ts'

const RETENTION = { retentionMs: 7 * 24 * 3_600_000, retentionBytes: null }

/** @param opened the log of the suite */
export function describeGrowing(opened: () => EventLog): void {
  describe('growing', () => {
    test('adds empty partitions; what is there stays, and a group that joins gets them all', async () => {
      const log = opened()
      const [t, other] = ['conformance.growing.v1', 'conformance.growing_too.v1']
      await log.createTopics([
        { name: t, partitions: 1, ...RETENTION },
        { name: other, partitions: 2, ...RETENTION },
      ])
      await log.append([record(t, 'a'), record(other, 'b', 1)])
      await assert.rejects(log.growTopics([t, other], 1), OperatorError)
      await assert.rejects(log.growTopics(['conformance.none.v1'], 3), RangeError)
      for (let turn = 0; turn < 2; turn++) await log.growTopics([t, other], 3)
      await log.append([record(t, 'c'), record(t, 'd', 2), record(other, 'e', 2)])
      const info = (await log.topics()).find(({ name }) => name === t)!
      assert.deepEqual([info.partitions, info.bounds.length, info.bounds[1].end], [3, 3, 0])
      // Where answers are lost, what was appended again stands there twice.
      const stored = await Promise.all(
        [0, 2].map(async (partition) => [...new Set(texts(await readAll(log, t, partition)))]),
      )
      assert.deepEqual(stored, [['a', 'c'], ['d']])
      const { assignments, membership } = await joined(log, 'grown', [t])
      assert.deepEqual(
        assignments.map(({ partition }) => partition),
        [0, 1, 2],
      )
      await membership.leave()
    })
  })
}
