/** Stages of one's own come and go with data in flight: every event arrives once, and the bad ones do not stop the rest. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { map } from 'rxjs'
import type { Batch } from '../batch/batch.ts'
import { columnOf, valueAt } from '../batch/column.ts'
import type { NewRecord } from '../log/log.ts'
import { createLogger } from '../observability/logger.ts'
import { keep, mapBatch, mapEvents } from '../stage/operators.ts'
import { defineStage } from '../stage/stage.ts'
import { jsonState, stateful } from '../stage/stateful.ts'
import { defineTopic } from '../stage/topic.ts'
import { defineTransform, type Transform } from '../stage/transform.ts'
import { createSqliteStateStore } from '../state/sqlite.ts'
import { MemoryLog } from '../testing/memory_log.ts'
import { batchOf, jsonBatchCodec, sourceTopic } from '../testing/samples.ts'
import { defineTopology, type Topology } from '../topology/topology.ts'
import { type Runtime, startRuntime } from './runtime.ts'

const raw = sourceTopic('test.raw.v1')
/** A topic with a contract: a column called level is text. */
const levelled = (name: string) =>
  defineTopic(name, jsonBatchCodec, {
    check(batch) {
      const level = batch.columns.get('level')
      if (level !== undefined && level.type !== 'text') throw new TypeError(`column level is ${level.type}, not text`)
    },
  })
const middle = levelled('test.middle.v1')
const events = levelled('test.events.v1')
const same = () => mapBatch((batch) => batch)
const first = defineStage({ name: 'first', consumes: raw, produces: middle, build: same })
const last = defineStage({ name: 'last', consumes: middle, produces: events, build: same })
const base = defineTopology('test', [first, last])
const mark = (value: string) => defineTransform({ name: 'mark', build: () => mapEvents(() => keep({ mark: value })) })

/** Lets nothing through to the topics named while they are held. */
class HeldLog extends MemoryLog {
  readonly held = new Set<string>()
  override async append(records: readonly NewRecord[]) {
    if (records.some(({ topic }) => this.held.has(topic))) return new Promise<never>(() => {})
    return super.append(records)
  }
}

class World {
  readonly log = new HeldLog('5eed0000-0000-4000-8000-000000000000')
  readonly states = createSqliteStateStore(':memory:')
  #sent = 0

  start(topology: Topology): Promise<Runtime> {
    return startRuntime({ topology, log: this.log, states: this.states, logger: createLogger('silent'), partitions: 1 })
  }

  async send(count: number): Promise<void> {
    for (let at = 0; at < count; at++) {
      const batch = batchOf(this.#sent, { name: ['text', [`e${this.#sent++}`]] })
      await this.log.append([
        { topic: raw.name, partition: 0, value: raw.codec.encode(batch, 1), timestamp: batch.receivedAt / 1000 },
      ])
    }
  }

  /** Waits until a topic has its record of an origin. */
  async reaches(topic: string, origin: number): Promise<void> {
    const signal = AbortSignal.timeout(5_000)
    for (let offset = 0; ; offset++) {
      await this.log.waitFor(topic, 0, offset, signal)
      const [record] = await this.log.read(topic, 0, offset, { maxBytes: 1, maxRecords: 1 })
      assert.ok(record, `${topic} does not reach ${origin}`)
      if (events.codec.decode(record.value, batchOf(0).origin).origin.offset === origin) return
    }
  }

  /** Names and marks of what a reader of the last topic sees: each origin the first time. */
  async arrived(): Promise<string[]> {
    const records = await this.log.read(events.name, 0, 0, { maxBytes: 1e9 })
    const seen = new Set<number>()
    return records.flatMap((record) => {
      const batch = events.codec.decode(record.value, batchOf(0).origin)
      if (seen.has(batch.origin.offset)) return []
      seen.add(batch.origin.offset)
      return batch.eventCount === 0 ? [] : [`${text(batch, 'name')}${text(batch, 'mark')}`]
    })
  }
}

function text(batch: Batch, name: string): string {
  const column = batch.columns.get(name)
  return column === undefined ? '' : String(valueAt(column, 0) ?? '')
}

describe('rewiring with data in flight', () => {
  it('inserts, changes, takes out and inserts again: every event arrives once', async () => {
    const world = new World()
    const steps: readonly [topology: Topology, sent: number][] = [
      [base, 3],
      [base.insert(mark('!'), { after: 'first' }), 3],
      [base.insert(mark('?'), { after: 'first' }), 3],
      [base, 3],
      [base.insert(mark('+'), { after: 'first' }), 3],
      [base.insert(mark('+'), { after: 'last' }), 3],
    ]
    let sent = 0
    for (const [topology, count] of steps) {
      const runtime = await world.start(topology)
      await world.send(count)
      sent += count
      await world.reaches(events.name, sent - 1)
      await runtime.close()
      assert.deepEqual(
        runtime
          .status()
          .flatMap((part) => part.tasks.map((task) => task.reason))
          .filter(Boolean),
        [],
      )
    }
    assert.deepEqual(await world.arrived(), [
      ...['e0', 'e1', 'e2', 'e3!', 'e4!', 'e5!', 'e6?', 'e7?', 'e8?', 'e9', 'e10', 'e11'],
      ...['e12+', 'e13+', 'e14+', 'e15+', 'e16+', 'e17+'],
    ])
  })

  it('takes out a stage that had not yet treated everything', async () => {
    const world = new World()
    world.log.held.add(middle.name)
    const runtime = await world.start(base.insert(mark('!'), { after: 'first' }))
    await world.send(4)
    await world.reaches('test.mark.in.v1', 3)
    // The process dies: mark has read everything and stored nothing.
    void runtime.close()
    world.log.held.clear()
    const after = await world.start(base)
    await world.reaches(events.name, 3)
    await after.close()
    assert.deepEqual(await world.arrived(), ['e0', 'e1', 'e2', 'e3'])
  })

  it('refuses to take out a stage behind one whose state cannot go back', async () => {
    const count = defineStage({
      name: 'first',
      consumes: raw,
      produces: middle,
      build: (_, context) =>
        stateful<{ n: number }, Batch, Batch>(context, {
          initial: () => ({ n: 0 }),
          snapshot: jsonState(),
          step: (state, batch) => {
            state.n++
            return batch
          },
        }),
    })
    const topology = defineTopology('test', [count, last])
    const world = new World()
    world.log.held.add(middle.name)
    const runtime = await world.start(topology.insert(mark('!'), { after: 'first' }))
    await world.send(2)
    await world.reaches('test.mark.in.v1', 1)
    void runtime.close()
    world.log.held.clear()
    await world.log.append([
      { topic: middle.name, partition: 0, value: middle.codec.encode(batchOf(0), 1), timestamp: 0 },
    ])
    const after = await world.start(topology)
    const [task] = after.status()[0].tasks
    for (let turn = 0; turn < 1000 && task.condition !== 'stopped'; turn++)
      await new Promise((resolve) => setImmediate(resolve))
    assert.match(task.reason ?? '', /its state cannot go back/)
    await after.close()
  })
})

describe('a bad stage of one’s own is named, and the rest goes on', () => {
  const only = (name: string, fault: (batch: Batch) => Batch): Transform =>
    defineTransform({
      name,
      timeLimitMs: 400,
      build: () => map((batch) => (text(batch, 'name') === 'e1' ? fault(batch) : batch)),
    })
  const faults: Record<string, readonly [fault: (batch: Batch) => Batch, detail: RegExp]> = {
    throws: [
      () => {
        throw new Error('what is e1?')
      },
      /^bad: what is e1\?/,
    ],
    'does not end': [
      () => {
        for (;;);
      },
      /^bad: did not end within 400 ms/,
    ],
    'gives a column of another length': [
      (batch) => ({ ...batch, columns: new Map([['n', columnOf('long', [1n, 2n])]]) }),
      /^bad: column n: 2 rows for 1 events/,
    ],
    'gives a column of no type': [
      (batch) => ({ ...batch, columns: new Map([['n', { type: 'date', values: [1] } as never]]) }),
      /^bad: column n: there is no type date/,
    ],
    'gives a column its topic does not hold': [
      (batch) => ({ ...batch, columns: new Map([...batch.columns, ['level', columnOf('long', [3n])]]) }),
      /^bad: column level is long, not text/,
    ],
    'gives what is no batch': [() => ({ hello: 'world' }) as never, /^bad: .+/],
    'changes the origin': [
      (batch) => ({ ...batch, origin: { ...batch.origin, offset: 7 } }),
      /^bad: .*changed the origin/,
    ],
  }
  for (const [fault, [act, detail]] of Object.entries(faults)) {
    it(`where it ${fault}`, async () => {
      const world = new World()
      const runtime = await world.start(base.insert(only('bad', act), { after: 'first' }))
      await world.send(3)
      await world.reaches(events.name, 2)
      await runtime.close()
      assert.deepEqual(await world.arrived(), ['e0', 'e2'])
      const [record] = await world.log.read('test.bad.in.v1.dlq', 0, 0, { maxBytes: 1e9 })
      const dead = events.codec.decode(record.value, batchOf(0).origin)
      assert.equal(text(dead, 'name'), 'e1')
      assert.match(text(dead, 'dead_letter.detail'), detail)
    })
  }

  it('where another stage of one’s own follows: the first is held to the topic’s contract too', async () => {
    const world = new World()
    const [act] = faults['gives a column its topic does not hold']
    const topology = base.insert(only('bad', act), { after: 'first' }).insert(mark('m'), { after: 'bad' })
    const runtime = await world.start(topology)
    await world.send(3)
    await world.reaches(events.name, 2)
    await runtime.close()
    assert.deepEqual(await world.arrived(), ['e0m', 'e2m'])
    assert.equal((await world.log.bounds('test.bad.in.v1.dlq', 0)).end, 1, 'the one at fault is named')
  })

  it('but one with state stops: half changed, it must not be carried on', async () => {
    const stateBad = defineTransform({
      name: 'bad',
      build: (_, context) =>
        stateful<{ n: number }, Batch, Batch>(context, {
          initial: () => ({ n: 0 }),
          snapshot: jsonState(),
          step(_state, batch) {
            if (text(batch, 'name') === 'e1') throw new Error('half way')
            return batch
          },
        }),
    })
    const world = new World()
    const runtime = await world.start(base.insert(stateBad, { after: 'first' }))
    await world.send(3)
    const task = runtime.status().find(({ name }) => name === 'bad')!.tasks[0]
    for (let turn = 0; turn < 1000 && task.condition !== 'stopped'; turn++)
      await new Promise((resolve) => setImmediate(resolve))
    assert.match(task.reason ?? '', /stage bad failed and has state.*half way/)
    await runtime.close()
  })
})
