import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concatMap, from, map, mergeMap } from 'rxjs'
import type { Batch } from '../batch/batch.ts'
import { columnOf, valueAt } from '../batch/column.ts'
import { TransientError } from '../errors/errors.ts'
import type { EventLog, GroupListener, NewRecord } from '../log/log.ts'
import { createLogger } from '../observability/logger.ts'
import { deadLetter, drop, keep, mapBatch, mapEvents } from '../stage/operators.ts'
import { defineStage } from '../stage/stage.ts'
import { jsonState, stateful } from '../stage/stateful.ts'
import { createSqliteStateStore } from '../state/sqlite.ts'
import { MemoryLog } from '../testing/memory_log.ts'
import { batchOf, batchTopic, sourceTopic } from '../testing/samples.ts'
import { defineTopology } from '../topology/topology.ts'
import { createReporter } from './report.ts'
import { startRuntime } from './runtime.ts'

const raw = sourceTopic('test.raw.v1')
const middle = batchTopic('test.middle.v1')
const events = batchTopic('test.events.v1')
const logger = createLogger('silent')

const numbers = (...values: number[]) => ({ n: ['long', values.map(BigInt)] as const })

async function feed(log: EventLog, batches: readonly Batch[]): Promise<void> {
  await log.append(
    batches.map((batch) => ({
      topic: raw.name,
      partition: batch.origin.partition,
      value: raw.codec.encode(batch, 1),
      timestamp: batch.receivedAt / 1000,
    })),
  )
}

async function readAll(log: EventLog, topic: typeof events): Promise<Batch[]> {
  const records = await log.read(topic.name, 0, 0, { maxBytes: 1e9 })
  return records.map((record) => topic.codec.decode(record.value, { ...batchOf(0).origin }))
}

function longs(batch: Batch, name: string): number[] {
  const column = batch.columns.get(name)
  return Array.from({ length: batch.eventCount }, (_, row) => Number(column === undefined ? 0n : valueAt(column, row)))
}

/** Resolves when the log has `count` records on the topic. */
async function written(log: EventLog, topic: string, count: number): Promise<void> {
  await log.waitFor(topic, 0, count - 1, AbortSignal.timeout(5_000))
  assert.ok((await log.bounds(topic, 0)).end >= count, `${topic} has fewer than ${count} records`)
}

const double = defineStage({
  name: 'double',
  consumes: raw,
  produces: middle,
  build: () =>
    mapBatch((batch) => {
      const values = longs(batch, 'n').map((value) => BigInt(value * 2))
      return { ...batch, columns: new Map([['n', columnOf('long', values)]]) }
    }),
})

const sum = defineStage({
  name: 'sum',
  consumes: middle,
  produces: events,
  build: (_, context) =>
    stateful<{ total: number }, Batch, Batch>(context, {
      initial: () => ({ total: 0 }),
      snapshot: jsonState(),
      step(state, batch) {
        const totals = longs(batch, 'n').map((value) => BigInt((state.total += value)))
        return { ...batch, columns: new Map([['total', columnOf('long', totals)]]) }
      },
    }),
})

describe('the runtime', () => {
  it('takes batches through all stages, commits, and goes on where it stopped', async () => {
    const log = new MemoryLog()
    const states = createSqliteStateStore(':memory:')
    const options = { topology: defineTopology('test', [double, sum]), log, states, logger, partitions: 1 }
    const first = await startRuntime(options)
    await feed(log, [batchOf(0, numbers(1, 2)), batchOf(1, numbers(3))])
    await written(log, events.name, 2)
    await first.close()
    assert.equal((await log.positions('sum'))[0].offset, 2)

    const second = await startRuntime(options)
    await feed(log, [batchOf(2, numbers(4))])
    await written(log, events.name, 3)
    await second.close()
    assert.deepEqual(
      (await readAll(log, events)).map((batch) => longs(batch, 'total')),
      [[2, 6], [12], [20]],
    )
  })

  it('has at most its credits in flight: exactly so many are polled while nothing can be committed', async () => {
    let release = () => {}
    const gate = new Promise<void>((resolve) => (release = resolve))
    class Stuck extends MemoryLog {
      override async join(...args: Parameters<MemoryLog['join']>) {
        const [group, topics, listener] = args
        return super.join(group, topics, {
          revoked: (parts) => listener.revoked(parts),
          assigned: (assignments, membership) =>
            listener.assigned(assignments, {
              ...membership,
              commit: (positions) => gate.then(() => membership.commit(positions)),
            }),
        })
      }
    }
    const log = new Stuck()
    const runtime = await startRuntime({
      topology: defineTopology('test', [double]),
      log,
      states: createSqliteStateStore(':memory:'),
      logger,
      partitions: 1,
      credits: 5,
    })
    await feed(
      log,
      Array.from({ length: 40 }, (_, at) => batchOf(at, numbers(at))),
    )
    await written(log, middle.name, 5)
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(runtime.status()[0].tasks[0].batches, 5)
    assert.equal((await log.bounds(middle.name, 0)).end, 5)
    release()
    await written(log, middle.name, 40)
    await runtime.close()
    assert.equal(runtime.status()[0].tasks[0].batches, 40)
  })

  it('repeats what failed in the world until it works, and nothing is stored twice for its reader', async () => {
    class Flaky extends MemoryLog {
      failures = 0
      override async append(records: readonly NewRecord[]) {
        const offsets = await super.append(records)
        // The answer is lost after the records are stored: the worst case.
        if (records[0].topic === middle.name && this.failures++ % 2 === 0)
          throw new TransientError('the answer was lost')
        return offsets
      }
    }
    const log = new Flaky()
    const runtime = await startRuntime({
      topology: defineTopology('test', [double, sum]),
      log,
      states: createSqliteStateStore(':memory:'),
      logger,
      partitions: 1,
      backoffMs: () => 0,
    })
    await feed(
      log,
      Array.from({ length: 10 }, (_, at) => batchOf(at, numbers(1))),
    )
    await written(log, events.name, 10)
    await runtime.close()
    assert.ok(log.failures >= 10, 'nothing failed: the test tests nothing')
    assert.deepEqual(
      (await readAll(log, events)).flatMap((batch) => longs(batch, 'total')),
      [2, 4, 6, 8, 10, 12, 14, 16, 18, 20],
    )
  })

  it('keeps dead letters beside the topic, counts drops, and passes the rest on', async () => {
    const picky = defineStage({
      name: 'picky',
      consumes: raw,
      produces: middle,
      build: () =>
        mapEvents((event) => {
          if (event.get('n') === 1n) return drop('one')
          if (event.get('n') === 2n) return deadLetter('two', 'no twos')
          if (event.get('n') === 3n) throw new Error('three!')
          return keep({ seen: true })
        }),
    })
    const log = new MemoryLog()
    const runtime = await startRuntime({
      topology: defineTopology('test', [picky]),
      log,
      states: createSqliteStateStore(':memory:'),
      logger,
      partitions: 1,
    })
    await feed(log, [batchOf(0, numbers(0, 1, 2, 3, 4))])
    await written(log, middle.name, 1)
    await runtime.close()
    const [out] = await readAll(log, middle)
    assert.deepEqual(longs(out, 'n'), [0, 4])
    assert.deepEqual(longs(out, 'position'), [0, 4])
    assert.deepEqual(Object.fromEntries(out.outcomes), {
      'dropped:one': 1,
      'dead_letter:two': 1,
      'dead_letter:stage_failed': 1,
    })
    const [dead] = await readAll(log, batchTopic('test.raw.v1.dlq'))
    const text = (name: string) => [0, 1].map((row) => valueAt(dead.columns.get(name)!, row))
    assert.deepEqual(longs(dead, 'n'), [2, 3])
    assert.deepEqual(text('dead_letter.code'), ['two', 'stage_failed'])
    assert.deepEqual(text('dead_letter.detail'), ['no twos', 'three!'])
  })

  for (const [fault, operators, message] of [
    ['gives two batches for one', () => mergeMap((batch: Batch) => from([batch, batch])), /exactly one batch/],
    ['gives none', () => mergeMap(() => from([] as Batch[])), /exactly one batch/],
    ['is not synchronous', () => concatMap((batch: Batch) => Promise.resolve(batch)), /exactly one batch/],
    [
      'changes the origin',
      () => map((batch: Batch) => ({ ...batch, origin: { ...batch.origin, offset: 99 } })),
      /origin/,
    ],
    [
      'throws a broken invariant',
      () =>
        map((): Batch => {
          throw new Error('broken')
        }),
      /broken/,
    ],
  ] as const) {
    it(`stops the partition, with its reason, where a stage ${fault}`, async () => {
      const bad = defineStage({ name: 'bad', consumes: raw, produces: middle, build: operators })
      const log = new MemoryLog()
      const runtime = await startRuntime({
        topology: defineTopology('test', [bad]),
        log,
        states: createSqliteStateStore(':memory:'),
        logger,
        partitions: 1,
      })
      await feed(log, [batchOf(0, numbers(1))])
      const [task] = runtime.status()[0].tasks
      for (let turn = 0; turn < 1000 && task.condition !== 'stopped'; turn++)
        await new Promise((resolve) => setImmediate(resolve))
      assert.equal(task.condition, 'stopped')
      assert.match(task.reason!, message)
      assert.deepEqual(await log.positions('bad'), [])
      await runtime.close()
    })
  }

  it('warns by name of a stage that takes over a second for a batch', async (t) => {
    let nowMs = 0
    t.mock.method(performance, 'now', () => nowMs)
    const crunch = defineStage({
      name: 'crunch',
      consumes: raw,
      produces: middle,
      build: () =>
        mapBatch((batch) => {
          nowMs += batch.eventCount * 600
          return batch
        }),
    })
    const log = new MemoryLog()
    const warned: unknown[] = []
    const runtime = await startRuntime({
      topology: defineTopology('test', [crunch]),
      log,
      states: createSqliteStateStore(':memory:'),
      logger: { ...logger, warn: (...said: unknown[]) => void warned.push(said[0]) },
      partitions: 1,
    })
    await feed(log, [batchOf(0, numbers(1)), batchOf(1, numbers(1, 2)), batchOf(2, numbers(1))])
    await written(log, middle.name, 3)
    await runtime.close()
    assert.deepEqual(warned, [{ part: 'crunch', duration_ms: 1_200, events: 2, slow_batches: 1 }])
  })

  it('refuses a position of another log, saying what to do', async () => {
    const log = new MemoryLog()
    const states = createSqliteStateStore(':memory:')
    const options = { topology: defineTopology('test', [double]), log, states, logger, partitions: 1 }
    await (await startRuntime(options)).close()
    const membership = await log.join('double', [], { assigned() {}, revoked() {} })
    await membership.commit([{ topic: raw.name, partition: 0, offset: 0, reached: {}, log: 'another' }])
    const runtime = await startRuntime(options)
    const [task] = runtime.status()[0].tasks
    for (let turn = 0; turn < 1000 && task.condition !== 'stopped'; turn++)
      await new Promise((resolve) => setImmediate(resolve))
    assert.match(task.reason!, /another log.*millrace groups reset double/)
    await runtime.close()
  })

  it('lets go of partitions once what is in flight is committed, and works on those it is given next', async () => {
    let release = () => {}
    const gate = new Promise<void>((resolve) => (release = resolve))
    let listener: GroupListener | undefined
    class Slow extends MemoryLog {
      override async append(records: readonly NewRecord[]) {
        if (records[0].topic === middle.name) await gate
        return super.append(records)
      }
      override join(group: string, topics: readonly string[], joining: GroupListener) {
        listener ??= joining
        return super.join(group, topics, joining)
      }
    }
    const log = new Slow()
    const states = createSqliteStateStore(':memory:')
    const runtime = await startRuntime({
      topology: defineTopology('test', [double]),
      log,
      states,
      logger,
      partitions: 1,
    })
    const [task] = runtime.status()[0].tasks
    await feed(log, [batchOf(0, numbers(1))])
    while (task.batches === 0) await new Promise((resolve) => setImmediate(resolve))
    let hasLetGo = false
    const letGo = Promise.resolve(listener!.revoked([{ topic: raw.name, partition: 0 }])).then(() => (hasLetGo = true))
    await feed(log, [batchOf(1, numbers(2))])
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(hasLetGo, false, 'a batch is in flight')
    release()
    await letGo
    const committed = await log.positions('double')
    assert.equal(committed[0].offset, 1, 'that batch, and none after it')

    const next = await log.join('double', [raw.name], { assigned() {}, revoked() {} })
    assert.equal(task.condition, 'running', 'as long as nobody says what is ours now')
    const assigned = { topic: raw.name, partition: 0, position: committed[0] }
    listener!.assigned([], next)
    assert.equal(task.condition, 'unassigned')
    listener!.assigned([assigned], next)
    await written(log, middle.name, 2)
    await runtime.close()
    assert.equal((await log.positions('double'))[0].offset, 2)
  })

  it('runs the stages it is told to, and says how far the others are', async () => {
    const log = new MemoryLog()
    const topology = defineTopology('test', [double, sum])
    const options = { topology, log, logger, partitions: 1 }
    const states = createSqliteStateStore(':memory:')
    const first = await startRuntime({ ...options, states, runs: (name) => name === 'double' })
    await feed(log, [batchOf(0, numbers(1)), batchOf(1, numbers(2)), batchOf(2, numbers(3))])
    await written(log, middle.name, 3)
    const here = createReporter(topology, first, log)
    const [doubling] = first.status()[0].tasks
    while (doubling.position?.offset !== 3) await new Promise((resolve) => setImmediate(resolve))
    const { parts } = await here.report()
    assert.deepEqual(
      parts.map(({ name, lag_records, partitions: [{ condition }] }) => [name, lag_records, condition]),
      [
        ['double', 0, 'running'],
        ['sum', 3, 'unassigned'],
      ],
    )
    const second = await startRuntime({ ...options, states, runs: (name) => name === 'sum' })
    await written(log, events.name, 3)
    // It ends when everything is committed.
    await second.close()
    const lags = (await here.report()).parts.map(({ lag_records }) => lag_records)
    assert.deepEqual(lags, [0, 0], 'as the log has it')
    here.close()
    await first.close()
  })

  it('goes on over records trimmed unread where a person says so, and so do the readers behind', async () => {
    const log = new MemoryLog()
    const states = createSqliteStateStore(':memory:')
    const copied = batchTopic('test.copied.v1')
    const copy = defineStage({
      name: 'copy',
      consumes: events,
      produces: copied,
      build: () => mapBatch((batch) => batch),
    })
    const options = { topology: defineTopology('test', [double, sum, copy]), log, states, logger, partitions: 1 }
    const whole = await startRuntime(options)
    await feed(log, [batchOf(0, numbers(1))])
    await written(log, copied.name, 1)
    await whole.close()
    const some = await startRuntime({ ...options, runs: (name) => name === 'double' })
    await feed(log, [batchOf(1, numbers(2)), batchOf(2, numbers(3)), batchOf(3, numbers(4))])
    await written(log, middle.name, 4)
    await some.close()
    await log.trim(middle.name, 0, 3)

    const stopped = await startRuntime(options)
    const [task] = stopped.status()[1].tasks
    while (task.condition !== 'stopped') await new Promise((resolve) => setImmediate(resolve))
    assert.match(task.reason!, /2 records were trimmed unread.*--accept-gap sum/)
    await stopped.close()

    await assert.rejects(startRuntime({ ...options, acceptGaps: ['some'] }), /no stage or sink some: there are double/)
    const goingOn = await startRuntime({ ...options, acceptGaps: ['sum'] })
    await feed(log, [batchOf(4, numbers(5))])
    await written(log, copied.name, 3)
    await goingOn.close()
    const totals = (await readAll(log, copied)).map((batch) => longs(batch, 'total'))
    assert.deepEqual(totals, [[2], [10], [20]], '2 and 3 are gone')
    const again = await startRuntime(options)
    await feed(log, [batchOf(5, numbers(1))])
    await written(log, copied.name, 4)
    await again.close()
  })
})
