/** Readiness tells of what has been failing for some seconds, and comes back by itself. */
import assert from 'node:assert/strict'
import { it, type TestContext } from 'node:test'
import { TransientError } from '../errors/errors.ts'
import type { NewRecord } from '../log/log.ts'
import { createLogger } from '../observability/logger.ts'
import { mapBatch } from '../stage/operators.ts'
import type { Sink } from '../stage/sink.ts'
import { defineStage } from '../stage/stage.ts'
import { createSqliteStateStore } from '../state/sqlite.ts'
import { MemoryLog } from '../testing/memory_log.ts'
import { batchOf, batchTopic, sourceTopic } from '../testing/samples.ts'
import { defineTopology } from '../topology/topology.ts'
import { createReporter, type Reporter } from './report.ts'
import { type Runtime, startRuntime } from './runtime.ts'

const raw = sourceTopic('test.raw.v1')
const events = batchTopic('test.events.v1')
const copy = defineStage({ name: 'copy', consumes: raw, produces: events, build: () => mapBatch((batch) => batch) })

/** While it is `away` nothing can be written to what the stage produces, nor positions be read. */
class AwayLog extends MemoryLog {
  away = false
  override async append(records: readonly NewRecord[]) {
    if (this.away && records[0].topic === events.name) throw new TransientError('the disk is away')
    return super.append(records)
  }
  override async positions(group: string) {
    if (this.away) throw new TransientError('the disk is away')
    return super.positions(group)
  }
}

interface Started {
  readonly log: AwayLog
  readonly runtime: Runtime
  readonly reporter: Reporter
  readonly clock: { nowMs: number }
}

async function start(t: TestContext, sinks: readonly Sink[] = []): Promise<Started> {
  const clock = { nowMs: 1_000 }
  t.mock.method(performance, 'now', () => clock.nowMs)
  const log = new AwayLog()
  const topology = defineTopology('test', [copy], sinks)
  const runtime = await startRuntime({
    topology,
    log,
    states: createSqliteStateStore(':memory:'),
    logger: createLogger('silent'),
    partitions: 1,
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
  })
  const reporter = createReporter(topology, runtime, log)
  t.after(async () => {
    reporter.close()
    log.away = false
    await runtime.close()
  })
  return { log, runtime, reporter, clock }
}

async function feed(log: MemoryLog, at: number): Promise<void> {
  const batch = batchOf(at, { name: ['text', ['e']] })
  await log.append([{ topic: raw.name, partition: 0, value: raw.codec.encode(batch, 1), timestamp: at }])
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000 && !condition(); turn++) await new Promise((resolve) => setImmediate(resolve))
  assert.ok(condition(), condition.toString())
}

it('names a stage that has been trying again for seconds, until it has got something done', async (t) => {
  const { log, runtime, reporter, clock } = await start(t)
  const [task] = runtime.status()[0].tasks
  log.away = true
  await feed(log, 0)
  await until(() => task.retries > 3)
  assert.deepEqual(reporter.notReady(), [], 'a short failure is no news')
  clock.nowMs += 6_000
  await until(() => task.retries > 6)
  assert.deepEqual(reporter.notReady(), ['copy/0 has been trying again for 6 s: the disk is away'])
  const [part] = (await reporter.report()).parts
  assert.deepEqual([part.partitions[0].condition, part.partitions[0].reason], ['retrying', 'the disk is away'])
  log.away = false
  await until(() => task.position !== null)
  assert.deepEqual(reporter.notReady(), [])
})

it('is ready again without anything to do, when nothing has failed for seconds', async (t) => {
  const { log, runtime, reporter, clock } = await start(t)
  const [task] = runtime.status()[0].tasks
  task.retrying('the disk is away')
  clock.nowMs += 6_000
  task.running()
  assert.equal(reporter.notReady().length, 1, 'started again is not yet working')
  clock.nowMs += 6_000
  assert.deepEqual(reporter.notReady(), [])
  assert.deepEqual(await log.positions('copy'), [])
})

it('names a sink that says it cannot store, until it says it can', async (t) => {
  let storing: (failure: string | null) => void = () => {}
  const sink: Sink = {
    name: 'stuck',
    consumes: events,
    async open(told) {
      storing = told
      const progress = Promise.withResolvers<void>()
      return {
        write: async () => {},
        storedUpTo: () => -1,
        progress: () => progress.promise,
        flush: async () => {},
        close: async () => progress.resolve(),
      }
    },
  }
  const { reporter, clock } = await start(t, [sink])
  storing('no space left')
  assert.deepEqual(reporter.notReady(), [])
  clock.nowMs += 6_000
  storing('no space left')
  assert.deepEqual(reporter.notReady(), ['stuck/0 has been trying again for 6 s: no space left'])
  storing(null)
  assert.deepEqual(reporter.notReady(), [])
})
