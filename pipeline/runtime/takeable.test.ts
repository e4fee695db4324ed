/** What a sink does with events that are to be treated again. */
import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Batch } from '../batch/batch.ts'
import { valueAt } from '../batch/column.ts'
import { MemoryLog } from '../testing/memory_log.ts'
import { batchOf, batchTopic } from '../testing/samples.ts'
import { TaskStats } from './stats.ts'
import { type TakeableOptions, takeable } from './takeable.ts'

const events = batchTopic('test.events.v1')
const dead = batchOf(3, { name: ['text', ['a', 'b']] })
const envelope = (stage: string, record = events.codec.encode(dead, 1)): Batch => ({
  ...batchOf(9, {}, { raw: dead.raw, receivedAt: dead.receivedAt, outcomes: new Map([['dead_letter:bad', -2]]) }),
  requeue: { stage, record, positions: [] },
})

let log: MemoryLog
beforeEach(async () => {
  log = new MemoryLog()
  await log.createTopics([{ name: `${events.name}.dlq`, partitions: 1, retentionMs: 1e9, retentionBytes: null }])
})

const options = (name: string, check: () => void = () => {}): TakeableOptions => ({
  sink: { name, consumes: events, check, open: () => assert.fail() },
  ...{ sinks: ['lake', 'postgres'], log, schemaIds: new Map(), stats: [new TaskStats()], logger: { warn() {} } },
})

/** Code, stage and name of every event in the dead letters. */
async function letters(): Promise<unknown[]> {
  const records = await log.read(`${events.name}.dlq`, 0, 0, { maxBytes: 1e9 })
  return records.flatMap(({ value }) => {
    const batch = events.codec.decode(value, dead.origin)
    const at = (name: string, row: number) => {
      const column = batch.columns.get(name)
      return column === undefined ? null : valueAt(column, row)
    }
    return Array.from({ length: batch.eventCount }, (_, row) =>
      ['dead_letter.code', 'dead_letter.stage', 'name'].map((name) => at(name, row)),
    )
  })
}

describe('events that are to be treated again', () => {
  it('are for one sink; the others hear of their place in the order', async () => {
    const lake = await takeable(options('lake'), envelope('lake'))
    const postgres = await takeable(options('postgres'), envelope('lake'))
    assert.deepEqual([lake.eventCount, lake.origin.offset, lake.raw.offset], [2, 9, 3])
    assert.deepEqual([postgres.eventCount, postgres.origin.offset, 'requeue' in postgres], [0, 9, false])
    assert.deepEqual([...postgres.outcomes], [['dead_letter:bad', -2]])
    assert.deepEqual(await letters(), [])
  })

  it('and are refused again are put aside again', async () => {
    const refusing = options('lake', () => {
      throw new TypeError('no')
    })
    assert.equal((await takeable(refusing, envelope('lake'))).eventCount, 0)
    assert.deepEqual(await letters(), [
      ['sink_refused', 'lake', 'a'],
      ['sink_refused', 'lake', 'b'],
    ])
  })

  it('whose stage was taken out meanwhile are kept once, as they were, and nothing is taken back', async () => {
    for (const sink of ['lake', 'postgres']) {
      const rest = await takeable(options(sink), envelope('judge'))
      assert.deepEqual([rest.eventCount, rest.outcomes.size, 'requeue' in rest], [0, 0, false])
    }
    assert.deepEqual(await letters(), [
      ['bad', 'judge', 'a'],
      ['bad', 'judge', 'b'],
    ])
  })

  it('that cannot be read are kept as bytes', async () => {
    for (const stage of ['lake', 'judge']) await takeable(options('lake'), envelope(stage, Buffer.from('{')))
    assert.deepEqual(await letters(), [
      ['unreadable', 'lake', null],
      ['unreadable', 'judge', null],
    ])
  })
})
