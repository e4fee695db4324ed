import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Batch } from '../batch/batch.ts'
import { columnOf, valueAt } from '../batch/column.ts'
import { OperatorError } from '../errors/errors.ts'
import { createLogger } from '../observability/logger.ts'
import { mapBatch } from '../stage/operators.ts'
import { defineStage } from '../stage/stage.ts'
import { jsonState, stateful } from '../stage/stateful.ts'
import { createSqliteStateStore } from '../state/sqlite.ts'
import { MemoryLog } from '../testing/memory_log.ts'
import { batchOf, batchTopic, sourceTopic, TEST_LOG_ID } from '../testing/samples.ts'
import { defineTopology } from '../topology/topology.ts'
import { listGroups, resetGroup } from './groups.ts'
import { startRuntime } from './runtime.ts'

const raw = sourceTopic('test.raw.v1')
const counted = batchTopic('test.counted.v1')
const copied = batchTopic('test.copied.v1')

/** Numbers its batches. */
const count = defineStage({
  name: 'count',
  consumes: raw,
  produces: counted,
  build: (_, context) =>
    stateful<{ n: number }, Batch, Batch>(context, {
      initial: () => ({ n: 0 }),
      snapshot: jsonState(),
      step: (state, batch) => ({
        ...batch,
        eventCount: 1,
        columns: new Map([['n', columnOf('long', [BigInt(++state.n)])]]),
      }),
    }),
})
const copy = defineStage({ name: 'copy', consumes: counted, produces: copied, build: () => mapBatch((batch) => batch) })

/** Feeds `batches` more, runs until all are copied, stops. */
async function run(log: MemoryLog, states: ReturnType<typeof createSqliteStateStore>, batches: number): Promise<void> {
  const logger = createLogger('silent')
  const topology = defineTopology('test', [count, copy])
  const runtime = await startRuntime({ topology, log, states, logger, partitions: 1 })
  const value = raw.codec.encode(batchOf(0), 1)
  for (let at = 0; at < batches; at++) await log.append([{ topic: raw.name, partition: 0, value, timestamp: at }])
  const { end } = await log.bounds(raw.name, 0)
  await log.waitFor(copied.name, 0, end - 1, AbortSignal.timeout(5_000))
  const [first, second] = runtime.status().map(({ tasks: [task] }) => task)
  for (let turn = 0; turn < 1_000 && !(first.position?.offset === end && second.position !== null); turn++)
    await new Promise((resolve) => setImmediate(resolve))
  await runtime.close()
}

describe('groups', () => {
  it('are listed with what they have yet to read', async () => {
    const log = new MemoryLog(TEST_LOG_ID)
    assert.deepEqual(await listGroups(log), [])
    await run(log, createSqliteStateStore(':memory:'), 3)
    const value = raw.codec.encode(batchOf(0), 1)
    await log.append([0, 1].map((timestamp) => ({ topic: raw.name, partition: 0, value, timestamp })))
    const membership = await log.join('lost', [], { assigned() {}, revoked() {} })
    await membership.commit([{ topic: raw.name, partition: 0, offset: 1, reached: {}, log: 'another' }])
    const at = { partition: 0, offset: 3, reached: { 0: 2 }, log: TEST_LOG_ID }
    assert.deepEqual(await listGroups(log), [
      { ...at, group: 'count', topic: raw.name, lag: 2 },
      { ...at, group: 'copy', topic: counted.name, lag: 0 },
      { group: 'lost', topic: raw.name, partition: 0, offset: 1, reached: {}, log: 'another', lag: null },
    ])
  })

  it('begin again once reset, without their state, and nothing reaches those behind them twice', async () => {
    const log = new MemoryLog(TEST_LOG_ID)
    const states = createSqliteStateStore(':memory:')
    await run(log, states, 3)
    const { positions, states: forgotten } = await resetGroup(log, states, 'count')
    assert.deepEqual([positions.map(({ offset }) => offset), forgotten], [[3], 1])
    assert.equal(await states.load('count', raw.name, 0), null)
    await run(log, states, 1)
    const written = async ({ name, codec }: typeof copied) => {
      const records = await log.read(name, 0, 0, { maxBytes: 1e9 })
      return records.map(({ value }) => codec.decode(value, batchOf(0).origin))
    }
    const told = (batches: readonly Batch[]) =>
      batches.map(({ origin, columns }) => `${origin.offset}=${valueAt(columns.get('n')!, 0)}`).join(' ')
    assert.equal(told(await written(counted)), '0=1 1=2 2=3 0=1 1=2 2=3 3=4')
    assert.equal(told(await written(copied)), '0=1 1=2 2=3 3=4')
  })

  it('that are not there cannot be reset, and are told from those that are', async () => {
    const log = new MemoryLog()
    const states = createSqliteStateStore(':memory:')
    await assert.rejects(resetGroup(log, states, 'copy'), /^OperatorError: there is no group copy$/)
    await run(log, states, 1)
    await assert.rejects(resetGroup(log, states, 'copi'), (error) => {
      return error instanceof OperatorError && error.message === 'there is no group copi: there are count, copy'
    })
  })
})
