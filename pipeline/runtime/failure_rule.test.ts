/** A stage that fails at nearly everything stops; one that is given bad events does not. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { Batch } from '../batch/batch.ts'
import { createLogger } from '../observability/logger.ts'
import { deadLetter, keep, mapBatch, mapEvents } from '../stage/operators.ts'
import { defineStage } from '../stage/stage.ts'
import { createSqliteStateStore } from '../state/sqlite.ts'
import { MemoryLog } from '../testing/memory_log.ts'
import { batchOf, batchTopic, sourceTopic } from '../testing/samples.ts'
import { until as waitFor } from '../testing/until.ts'
import { defineTopology } from '../topology/topology.ts'
import { type FailurePolicy, FailureRule } from './failure_rule.ts'
import { type Runtime, startRuntime } from './runtime.ts'

const raw = sourceTopic('test.raw.v1')
const events = batchTopic('test.events.v1')

/** Throws at events named `bug`, and condemns those named `bad`. */
const fragile = defineStage({
  name: 'fragile',
  consumes: raw,
  produces: events,
  build: () =>
    mapEvents((event) => {
      if (event.get('name') === 'bug') throw new TypeError('it is a bug')
      return event.get('name') === 'bad' ? deadLetter('malformed', 'it is bad') : keep()
    }),
})
/** Throws at any batch. */
const broken = defineStage({
  name: 'broken',
  consumes: raw,
  produces: events,
  build: () =>
    mapBatch((batch) => {
      if (batch.eventCount > 0) throw new TypeError('broken')
      return batch
    }),
})

interface Sent {
  readonly project?: string
  readonly bug?: number
  readonly bad?: number
  readonly good?: number
  readonly signal?: Batch['signal']
}

async function run(
  t: Pick<TestContext, 'after'>,
  sent: readonly Sent[],
  { policy, stage = fragile }: { policy?: FailurePolicy; stage?: typeof fragile } = {},
) {
  const log = new MemoryLog()
  const topology = defineTopology('test', [stage])
  const states = createSqliteStateStore(':memory:')
  const runtime: Runtime = await startRuntime({
    ...{ topology, log, states, logger: createLogger('silent'), partitions: 1, backoffMs: () => 0 },
    ...(policy === undefined ? {} : { failures: policy }),
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
  })
  t.after(() => runtime.close())
  const records = sent.map(({ project: projectId = 'one', bug = 0, bad = 0, good = 0, signal = 'logs' }, at) => {
    const names = [...Array(bug).fill('bug'), ...Array(bad).fill('bad'), ...Array(good).fill('good')]
    const batch = batchOf(at, { name: ['text', names] }, { projectId, signal })
    return { topic: raw.name, partition: 0, value: raw.codec.encode(batch, 1), timestamp: at }
  })
  await log.append(records)
  const [task] = runtime.status()[0].tasks
  await waitFor(() => task.condition === 'stopped' || task.position?.offset === sent.length)
  const produced = async () => (await log.bounds(events.name, 0)).end
  return { log, task, produced }
}

const two: FailurePolicy = { projects: () => 2, acceptedUntil: async () => null }

describe('a stage stops', () => {
  it('when it fails at more than half of three batches in a row, of the only project there is', async (t) => {
    const { task, produced } = await run(t, [{ bug: 4 }, { bug: 4, good: 1 }, { bug: 4, good: 3 }, { good: 1 }])
    assert.equal(task.condition, 'stopped')
    assert.match(
      task.reason!,
      /^fragile failed at more than half .* 3 batches in a row.*it is a bug.*millrace dlq accept fragile/,
    )
    assert.ok((await produced()) <= 2, 'the third has not been put aside')
  })

  it('when it fails at those of two projects', async (t) => {
    const sent = [{ bug: 4 }, { bug: 4 }, { bug: 4 }, { bug: 4 }, { project: 'two', bug: 1 }]
    const { task, produced } = await run(t, sent, { policy: two })
    assert.equal(task.condition, 'stopped')
    assert.ok((await produced()) <= 4, 'the fifth has not been put aside')
  })

  it('when it throws at whole batches', async (t) => {
    const { task } = await run(t, [{ good: 5 }, { good: 5 }, { good: 5 }], { stage: broken })
    assert.match(task.reason!, /broken failed at more than half/)
  })

  it('at one signal, whatever becomes of the others', async (t) => {
    const sent: Sent[] = [1, 2, 3].flatMap(() => [{ bug: 5, signal: 'traces' } as const, { good: 5 }])
    const { task } = await run(t, sent)
    assert.equal(task.condition, 'stopped')
  })
})

describe('a stage does not stop', () => {
  for (const [what, sent, policy] of [
    ['for what is said about the events: malformed input stops nobody', Array(20).fill({ bad: 20 }), undefined],
    ['for a few events', Array(9).fill({ bug: 1 }), undefined],
    ['where half goes well', Array(9).fill({ bug: 5, good: 5 }), undefined],
    [
      'where batches in between go well',
      Array(12)
        .fill(null)
        .map((_, at) => (at % 3 === 2 ? { good: 1 } : { bug: 9 })),
      undefined,
    ],
    ['for one sender of several', Array(30).fill({ bug: 9 }), two],
    ['for empty batches', Array(9).fill({}), undefined],
  ] as const) {
    it(what, async (t) => {
      const { task } = await run(t, sent as Sent[], policy === undefined ? {} : { policy })
      assert.deepEqual([task.condition, task.position?.offset], ['running', sent.length])
    })
  }

  it('where somebody has accepted it: it goes on where it stood, putting aside what it fails at', async (t) => {
    let until: number | null = null
    const policy = { projects: () => 1, acceptedUntil: async () => until }
    const sent = [{ bug: 9 }, { bug: 9 }, { bug: 9 }, { bug: 9 }, { bug: 9 }, { bug: 9 }, { good: 2 }]
    const { task, log, produced } = await run(t, sent, { policy })
    assert.equal(task.condition, 'stopped')
    until = Date.now() + 60_000
    await waitFor(() => task.position?.offset === sent.length)
    assert.deepEqual([task.condition, task.reason, await produced()], ['running', null, sent.length])
    assert.equal((await log.bounds('test.raw.v1.dlq', 0)).end, 6, 'each batch once')
  })
})

it('what is tried again is not counted: it had failed before', async (t) => {
  const { task, log } = await run(t, [{ good: 1 }])
  const requeue = {
    stage: 'fragile',
    record: raw.codec.encode(batchOf(0, { name: ['text', Array(9).fill('bug')] }), 1),
  }
  for (let time = 0; time < 5; time++) {
    const batch: Batch = { ...batchOf(time), requeue: { ...requeue, positions: [] } }
    await log.append([{ topic: raw.name, partition: 0, value: raw.codec.encode(batch, 1), timestamp: 1 }])
  }
  await waitFor(() => task.position?.offset === 6)
  assert.deepEqual([task.condition, task.position?.offset], ['running', 6])
})

it('the rule takes up again when what was accepted has ended', () => {
  const rule = new FailureRule('stage')
  const failing = (offset: number) => {
    const names = Array(9).fill('a')
    const batch = batchOf(offset, {
      name: ['text', names],
      'dead_letter.code': ['text', names.map(() => 'stage_failed')],
    })
    rule.ran(batch, batch)
  }
  rule.suspend(Date.now() + 60_000)
  for (let offset = 0; offset < 9; offset++) failing(offset)
  rule.suspend(0)
  failing(9)
  failing(10)
  assert.throws(() => failing(11), { name: 'FailingError' })
})
