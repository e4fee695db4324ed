/** Records that cannot be read, in every topic: they are kept, and everything else goes on, unless something is missing. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Batch } from '../batch/batch.ts'
import { valueAt } from '../batch/column.ts'
import type { NewRecord } from '../log/log.ts'
import { createLogger } from '../observability/logger.ts'
import { mapBatch } from '../stage/operators.ts'
import type { Sink } from '../stage/sink.ts'
import { defineStage } from '../stage/stage.ts'
import type { Topic } from '../stage/topic.ts'
import { createSqliteStateStore } from '../state/sqlite.ts'
import { MemoryLog } from '../testing/memory_log.ts'
import { batchOf, batchTopic, sourceTopic } from '../testing/samples.ts'
import { until } from '../testing/until.ts'
import { defineTopology } from '../topology/topology.ts'
import { type Runtime, startRuntime } from './runtime.ts'

const raw = sourceTopic('test.raw.v1')
const middle = batchTopic('test.middle.v1')
const events = batchTopic('test.events.v1')
const copy = (name: string, from: Topic<Batch>, to: Topic<Batch>) =>
  defineStage({ name, consumes: from, produces: to, build: () => mapBatch((batch) => batch) })

/** A sink that has what it was given. */
function arraySink(stored: Batch[]): Sink {
  const grown: (() => void)[] = []
  return {
    name: 'array',
    consumes: events,
    async open() {
      return {
        async write(batch) {
          if (batch.origin.offset > (stored.at(-1)?.origin.offset ?? -1)) stored.push(batch)
          for (const wake of grown.splice(0)) wake()
        },
        storedUpTo: () => stored.at(-1)?.origin.offset ?? -1,
        progress: () => new Promise<void>((resolve) => void grown.push(resolve)),
        flush: async () => {},
        close: async () => {},
      }
    },
  }
}

async function run(log: MemoryLog, stored: Batch[]): Promise<Runtime> {
  const topology = defineTopology(
    'test',
    [copy('first', raw, middle), copy('second', middle, events)],
    [arraySink(stored)],
  )
  const states = createSqliteStateStore(':memory:')
  return startRuntime({ topology, log, states, logger: createLogger('silent'), partitions: 1, backoffMs: () => 0 })
}

const record = (topic: string, value: Uint8Array): NewRecord => ({ topic, partition: 0, value, timestamp: 1000 })
const event = (at: number) => record(raw.name, raw.codec.encode(batchOf(at, { name: ['text', [`e${at}`]] }), 1))
const truncated = Buffer.from('{"columns":[')
/** Framed, of a schema nobody has registered. */
const unknownSchema = Buffer.from([0, 0, 0, 0x30, 0x39, 1, 2, 3])

const names = (batches: readonly Batch[]) =>
  batches.flatMap((batch) => (batch.eventCount === 0 ? [] : [valueAt(batch.columns.get('name')!, 0)]))

/** What is in the dead letters of a topic: code, detail, stage, bytes, and where it stood. */
async function letters(log: MemoryLog, topic: string) {
  const records = await log.read(`${topic}.dlq`, 0, 0, { maxBytes: 1e9 })
  return records.map(({ value }) => {
    const batch = events.codec.decode(value, batchOf(0).origin)
    const at = (name: string) => valueAt(batch.columns.get(`dead_letter.${name}`)!, 0)
    return {
      ...{ code: at('code'), detail: String(at('detail')), stage: at('stage'), offset: batch.origin.offset },
      bytes: Buffer.from(at('bytes') as Uint8Array),
    }
  })
}

describe('a record that cannot be read', () => {
  it('of a source keeps its place in the order: nothing behind it sees a gap', async () => {
    const log = new MemoryLog()
    const stored: Batch[] = []
    const runtime = await run(log, stored)
    await log.append([event(0), record(raw.name, truncated), event(2), record(raw.name, unknownSchema), event(4)])
    await until(() => stored.at(-1)?.origin.offset === 4)
    assert.deepEqual(names(stored), ['e0', 'e2', 'e4'])
    assert.deepEqual(
      stored.map(({ origin }) => [origin.offset, origin.previous]),
      [0, 1, 2, 3, 4].map((offset) => [offset, offset - 1]),
    )
    const [first, second, ...more] = await letters(log, raw.name)
    assert.deepEqual([first.code, first.stage, first.offset, first.bytes], ['unreadable', 'first', 1, truncated])
    assert.match(first.detail, /JSON/)
    assert.deepEqual(
      [second.offset, second.detail, second.bytes],
      [3, 'the registry has no schema 12345', unknownSchema],
    )
    assert.deepEqual(more, [])
    assert.equal(runtime.status()[0].tasks[0].deadLetters, 2)
    await runtime.close()
  })

  for (const topic of [middle, events]) {
    it(`of ${topic.name} that somebody else wrote is put aside`, async () => {
      const log = new MemoryLog()
      const stored: Batch[] = []
      const runtime = await run(log, stored)
      await log.append([event(0)])
      await until(() => stored.length === 1)
      await log.append([record(topic.name, truncated)])
      await log.append([event(1)])
      await until(() => stored.length === 2)
      const [letter, ...more] = await letters(log, topic.name)
      const reader = topic === middle ? 'second' : 'array'
      assert.deepEqual([letter.code, letter.stage, letter.offset, letter.bytes], ['unreadable', reader, 1, truncated])
      assert.deepEqual(more, [])
      await runtime.close()
      // It stands at the end now: where the stage before begins again is known all the same.
      await log.append([record(topic.name, truncated)])
      const again = await run(log, stored)
      await log.append([event(2)])
      await until(() => stored.length === 3)
      assert.deepEqual(names(stored), ['e0', 'e1', 'e2'])
      assert.ok(again.status().every(({ tasks }) => tasks[0].condition === 'running'))
      await again.close()
    })
  }

  it('of ours that was damaged leaves a gap: the reader stops, says where, and has kept the bytes', async () => {
    const log = new MemoryLog()
    const stored: Batch[] = []
    const place = (offset: number) => batchOf(offset, { name: ['text', [`e${offset}`]] })
    await log.createTopics([{ name: middle.name, partitions: 1, retentionMs: 1e9, retentionBytes: null }])
    const ours = [0, 1, 2].map((offset) => {
      const batch = { ...place(offset), origin: { ...place(offset).origin, log: log.id } }
      return record(middle.name, middle.codec.encode(batch, 1))
    })
    ours[1] = record(middle.name, ours[1].value.subarray(0, -5))
    await log.append(ours)
    const runtime = await run(log, stored)
    const [task] = runtime.status()[1].tasks
    await until(() => task.condition === 'stopped')
    assert.match(
      task.reason!,
      /second stands at origin 0 .*the record at 2 follows origin 1.*that at 1 cannot be read: see test\.middle\.v1\.dlq/,
    )
    assert.deepEqual(
      (await letters(log, middle.name)).map(({ offset, bytes }) => [offset, bytes]),
      [[1, Buffer.from(ours[1].value)]],
    )
    assert.deepEqual(names(stored), ['e0'])
    await runtime.close()
  })

  it('of the right schema name under another id is read; of another name it is not', async () => {
    const log = new MemoryLog()
    const other = await log.register('other-value', '{"type":"record","name":"Other","namespace":"test","fields":[]}')
    const stored: Batch[] = []
    const runtime = await run(log, stored)
    const wrong = Buffer.from([0, 0, 0, 0, other])
    await log.append([record(raw.name, wrong), event(1)])
    await until(() => stored.length === 2)
    assert.match((await letters(log, raw.name))[0].detail, /^it is a test\.Other \(schema \d+\), where a .* belongs$/)
    await runtime.close()
  })

  it('of a source is given as it is to a sink that reads the source itself', async () => {
    const log = new MemoryLog()
    const kept: string[] = []
    const codec: typeof raw.codec = {
      ...raw.codec,
      decode: (bytes, origin) => ({ ...batchOf(0), origin, projectId: Buffer.from(bytes).toString('hex') }),
    }
    const archive: Sink = {
      name: 'archive',
      consumes: { ...raw, codec },
      async open() {
        return {
          write: async ({ projectId }) => void kept.push(projectId),
          storedUpTo: () => -1,
          progress: () => new Promise<void>(() => {}),
          flush: async () => {},
          close: async () => {},
        }
      },
    }
    const topology = defineTopology('test', [copy('first', raw, middle)], [archive])
    const states = createSqliteStateStore(':memory:')
    const logger = createLogger('silent')
    const runtime = await startRuntime({ topology, log, states, logger, partitions: 1, backoffMs: () => 0 })
    const values = [unknownSchema, truncated, event(2).value]
    await log.append(values.map((value) => record(raw.name, value)))
    await until(() => kept.length === 3)
    assert.deepEqual(
      kept,
      values.map((value) => Buffer.from(value).toString('hex')),
    )
    await runtime.close()
  })
})
