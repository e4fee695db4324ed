/** What a sink cannot take is put aside before its position passes it, whatever fails in between. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { queryObjects } from 'node:v8'
import type { Batch } from '../batch/batch.ts'
import { valueAt } from '../batch/column.ts'
import { TransientError } from '../errors/errors.ts'
import type { NewRecord } from '../log/log.ts'
import { createLogger } from '../observability/logger.ts'
import { mapBatch } from '../stage/operators.ts'
import type { Sink } from '../stage/sink.ts'
import { defineStage } from '../stage/stage.ts'
import { createSqliteStateStore } from '../state/sqlite.ts'
import { MemoryLog } from '../testing/memory_log.ts'
import { batchOf, batchTopic, sourceTopic } from '../testing/samples.ts'
import { until } from '../testing/until.ts'
import { defineTopology } from '../topology/topology.ts'
import { type Runtime, startRuntime } from './runtime.ts'

const raw = sourceTopic('test.raw.v1')
const events = batchTopic('test.events.v1')
const DEAD = 'test.events.v1.dlq'
const copy = defineStage({ name: 'copy', consumes: raw, produces: events, build: () => mapBatch((batch) => batch) })

/** A sink whose storage is an array; it cannot take batches of the project `bad`. */
function arraySink(stored: Batch[]): Sink {
  return {
    name: 'array',
    consumes: events,
    check(batch) {
      if (batch.projectId === 'bad') throw new TypeError('column level: it is long, where text wants text')
    },
    async open() {
      const grown: (() => void)[] = []
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

/** Its appends to the dead letters fail as long as there are failures left, before or after they are done. */
class FailingLog extends MemoryLog {
  failures = 0
  lostAnswers = 0
  override async append(records: readonly NewRecord[]) {
    const isDead = records.some(({ topic }) => topic === DEAD)
    if (isDead && this.failures-- > 0) throw new TransientError('the disk is full')
    const offsets = await super.append(records)
    if (isDead && this.lostAnswers-- > 0) throw new TransientError('the answer was lost')
    return offsets
  }
}

async function run(log: FailingLog, stored: Batch[]): Promise<Runtime> {
  const states = createSqliteStateStore(':memory:')
  const topology = defineTopology('test', [copy], [arraySink(stored)])
  return startRuntime({ topology, log, states, logger: createLogger('silent'), partitions: 1, backoffMs: () => 0 })
}

async function feed(log: MemoryLog): Promise<void> {
  const projects = ['good', 'bad', 'good', 'bad', 'good']
  for (const [at, projectId] of projects.entries()) {
    const batch = batchOf(at, { name: ['text', [`e${at}`]] }, { projectId })
    await log.append([{ topic: raw.name, partition: 0, value: raw.codec.encode(batch, 1), timestamp: at }])
  }
}

const names = (batches: readonly Batch[]) =>
  batches.flatMap((batch) => (batch.eventCount === 0 ? [] : [valueAt(batch.columns.get('name')!, 0)]))

async function deadLetters(log: MemoryLog): Promise<Batch[]> {
  const records = await log.read(DEAD, 0, 0, { maxBytes: 1e9 })
  return records.map(({ value }) => events.codec.decode(value, batchOf(0).origin))
}

async function commits(log: MemoryLog, offset: number): Promise<void> {
  for (let turn = 0; turn < 1000; turn++) {
    if ((await log.positions('array'))[0]?.offset === offset) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.fail(`the sink does not reach ${offset}: ${JSON.stringify(await log.positions('array'))}`)
}

it('puts a refused batch aside, counts it, and goes on', async () => {
  const log = new FailingLog()
  const stored: Batch[] = []
  const runtime = await run(log, stored)
  await feed(log)
  await commits(log, 5)
  const [task] = runtime.status()[1].tasks
  assert.deepEqual([task.condition, task.deadLetters, task.eventsOut], ['running', 2, 3])
  await runtime.close()
  assert.deepEqual(names(stored), ['e0', 'e2', 'e4'])
  const [dead] = await deadLetters(log)
  assert.equal(valueAt(dead.columns.get('name')!, 0), 'e1')
  assert.equal(valueAt(dead.columns.get('dead_letter.code')!, 0), 'sink_refused')
  assert.equal(
    valueAt(dead.columns.get('dead_letter.detail')!, 0),
    'array: column level: it is long, where text wants text',
  )
})

it('does not pass a refused batch while it cannot be put aside', async () => {
  const log = new FailingLog()
  const stored: Batch[] = []
  log.failures = 5
  const runtime = await run(log, stored)
  await feed(log)
  await commits(log, 5)
  await runtime.close()
  assert.equal(log.failures, -2, 'it failed five times before two were put aside')
  assert.deepEqual(names(await deadLetters(log)), ['e1', 'e3'])
})

it('puts it aside again after a restart in between, under the same origin', async () => {
  const log = new FailingLog()
  const stored: Batch[] = []
  log.lostAnswers = 1
  const runtime = await run(log, stored)
  await feed(log)
  await commits(log, 5)
  await runtime.close()
  assert.deepEqual(names(stored), ['e0', 'e2', 'e4'])
  assert.deepEqual(
    (await deadLetters(log)).map(({ origin }) => origin.offset),
    [1, 1, 3],
  )
})

it('that fails at nearly everything is accepted by its name, whatever its group is called', async () => {
  const log = new FailingLog()
  const stored: Batch[] = []
  const sink = { ...arraySink(stored), group: 'array_2' }
  const runtime = await startRuntime({
    ...{ topology: defineTopology('test', [copy], [sink]), log, states: createSqliteStateStore(':memory:') },
    ...{ logger: createLogger('silent'), partitions: 1, sleep: () => new Promise((resolve) => setImmediate(resolve)) },
    failures: { projects: () => 1, acceptedUntil: async (name) => (name === 'array' ? Date.now() + 60_000 : null) },
  })
  for (let at = 0; at < 5; at++) {
    const batch = batchOf(at, { name: ['text', Array(5).fill(`e${at}`)] }, { projectId: at < 4 ? 'bad' : 'good' })
    await log.append([{ topic: raw.name, partition: 0, value: raw.codec.encode(batch, 1), timestamp: at }])
  }
  await until(async () => (await log.positions('array_2'))[0]?.offset === 5)
  assert.equal(runtime.status()[1].tasks[0].errors, 1, 'it had stopped before')
  await runtime.close()
  assert.deepEqual(names(stored), ['e4'])
})

it('is replaced by one of another group, which begins where that group stands, while the other finishes', async () => {
  const log = new FailingLog()
  const [stored, next]: Batch[][] = [[], []]
  const runtime = await run(log, stored)
  await feed(log)
  await commits(log, 5)
  const membership = await log.join('array_2', [events.name], { assigned() {}, revoked() {} })
  const [{ reached: _, ...position }] = await log.positions('array')
  await membership.commit([{ ...position, offset: 2, reached: { 0: 1 } }])
  await membership.leave()
  await runtime.replaceSink({ ...arraySink(next), group: 'array_2' })
  await assert.rejects(runtime.replaceSink({ ...arraySink([]), name: 'other' }), RangeError)
  await feed(log)
  while (names(next).length < 5) await new Promise((resolve) => setImmediate(resolve))
  await runtime.close()
  assert.deepEqual(names(stored), ['e0', 'e2', 'e4'], 'nothing more')
  assert.deepEqual(names(next), ['e2', 'e4', 'e0', 'e2', 'e4'])
  assert.equal((await log.positions('array'))[0].offset, 5)
})

it('keeps nothing of the commits it has made', async () => {
  const log = new FailingLog()
  const runtime = await run(log, [])
  const append = async (from: number, to: number) => {
    for (let at = from; at < to; at++) {
      const batch = batchOf(at, {}, { projectId: 'good' })
      await log.append([{ topic: raw.name, partition: 0, value: raw.codec.encode(batch, 1), timestamp: at }])
      await commits(log, at + 1)
    }
    return queryObjects(Promise, { format: 'count' })
  }
  const before = await append(0, 50)
  const after = await append(50, 350)
  await runtime.close()
  assert.ok(after - before < 300, `${after - before} promises more after three hundred commits`)
})
