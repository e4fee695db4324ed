/** A replay gives what the stages gave when they ran apart, resumes where its targets stand, and stops where it is told. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Batch } from '../batch/batch.ts'
import { OperatorError, TransientError } from '../errors/errors.ts'
import type { Sink, SinkWriter } from '../stage/sink.ts'
import { defineStage } from '../stage/stage.ts'
import { jsonState, stateful } from '../stage/stateful.ts'
import { MemoryLog } from '../testing/memory_log.ts'
import { batchOf, batchTopic, sourceTopic } from '../testing/samples.ts'
import { until } from '../testing/until.ts'
import { defineTopology } from '../topology/topology.ts'
import { type Replay, type ReplayOptions, type ReplayStates, startReplay } from './replay.ts'

const raw = sourceTopic('test.raw.v1')
const middle = batchTopic('test.middle.v1')
const events = batchTopic('test.events.v1')
const logger = { warn() {} }

/** What was written, and how much of it is durable. */
class ArrayWriter implements SinkWriter {
  readonly written: Batch[] = []
  stored = -1
  failure: Error | null = null
  #wake: (() => void)[] = []

  /** @param before the origin that storage has reached when it is opened */
  constructor(before = -1) {
    this.stored = before
  }
  async write(batch: Batch): Promise<void> {
    this.written.push(batch)
  }
  storedUpTo(): number {
    return this.stored
  }
  progress(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#wake.push(() => (this.failure === null ? resolve() : reject(this.failure)))
    })
  }
  async flush(): Promise<void> {
    this.stored = Math.max(this.stored, this.written.at(-1)?.origin.offset ?? -1)
    for (const wake of this.#wake.splice(0)) wake()
  }
  fail(error: Error): void {
    this.failure = error
    for (const wake of this.#wake.splice(0)) wake()
  }
  async close(): Promise<void> {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

const sink = (check?: Sink['check']): Sink => ({
  name: 'array',
  consumes: events,
  ...(check === undefined ? {} : { check }),
  open: async () => new ArrayWriter(),
})

/** Counts batches it has seen within the last ten seconds, itself included, into `project`. */
const windowed = defineStage({
  name: 'windowed',
  consumes: raw,
  produces: middle,
  build: (_, context) =>
    stateful<number[], Batch, Batch>(context, {
      initial: () => [],
      window: { durationMs: 10_000, remember: (seen, input) => void seen.push((input as Batch).receivedAt) },
      step(seen, batch) {
        seen.push(batch.receivedAt)
        while (seen[0] < batch.receivedAt - 10_000_000) seen.shift()
        return { ...batch, projectId: `seen ${seen.length}` }
      },
    }),
})
/** Counts all batches ever, behind what the one before says. */
const counting = defineStage({
  name: 'counting',
  consumes: middle,
  produces: events,
  build: (_, context) =>
    stateful<{ count: number }, Batch, Batch>(context, {
      initial: () => ({ count: 0 }),
      snapshot: jsonState(),
      step(state, batch) {
        state.count++
        return { ...batch, projectId: `${batch.projectId}, ${state.count} in all` }
      },
    }),
})
const topology = defineTopology('test', [windowed, counting])
const withoutState = defineTopology('test', [
  windowed,
  defineStage({ name: 'pass', consumes: middle, produces: events, build: () => (batches) => batches }),
])

class Kept implements ReplayStates {
  kept: { origin: number; bytes: Uint8Array } | null = null
  async load() {
    return this.kept
  }
  async save(_partition: number, origin: number, bytes: Uint8Array) {
    this.kept = { origin, bytes }
  }
}

async function logWith(records: number): Promise<MemoryLog> {
  const log = new MemoryLog()
  await log.createTopics([{ name: raw.name, partitions: 1, retentionMs: 1e12, retentionBytes: null }])
  await append(log, 0, records)
  return log
}

async function append(log: MemoryLog, from: number, to: number): Promise<void> {
  for (let offset = from; offset < to; offset++) {
    const batch = batchOf(offset, { name: ['text', [`event ${offset}`]] })
    const value = raw.codec.encode(batch, 1)
    await log.append([{ topic: raw.name, partition: 0, value, timestamp: batch.receivedAt / 1000 }])
  }
}

async function replayed(
  log: MemoryLog,
  writer: ArrayWriter,
  options: Partial<ReplayOptions>,
  use: (replay: Replay) => Promise<void>,
): Promise<void> {
  const targets = [{ sink: sink(), writer }]
  const states = new Kept()
  const given = { topology, source: log, targets, begin: [0], stored: [null], states, logger, ...options }
  const replay = await startReplay(given)
  try {
    await use(replay)
  } finally {
    await replay.close()
  }
}

const caughtUp = (replay: Replay) => until(async () => (await replay.progress()).caughtUp)
const projectsOf = ({ written }: ArrayWriter) => written.map(({ projectId }) => projectId)

describe('a replay', () => {
  it('runs every record through all stages, in order, and goes on with what comes', async () => {
    const log = await logWith(12)
    const writer = new ArrayWriter()
    await replayed(log, writer, {}, async (replay) => {
      await caughtUp(replay)
      await append(log, 12, 14)
      await replay.reach([13])
      assert.equal(writer.stored, 13)
    })
    assert.deepEqual(projectsOf(writer).slice(9), [
      ...['seen 10, 10 in all', 'seen 11, 11 in all', 'seen 11, 12 in all', 'seen 11, 13 in all', 'seen 11, 14 in all'],
    ])
    assert.deepEqual(
      writer.written.map(({ origin }) => origin.previous),
      Array.from({ length: 14 }, (_, at) => at - 1),
    )
    assert.deepEqual((await log.groups()).length, 0)
    assert.deepEqual(
      (await log.topics()).map(({ name }) => name),
      [raw.name],
    )
  })

  it('counts records, events and where every partition stands', async () => {
    await replayed(await logWith(5), new ArrayWriter(), {}, async (replay) => {
      await caughtUp(replay)
      const { events: count, records, partitions } = await replay.progress()
      assert.deepEqual([count, records], [5, 5])
      assert.deepEqual(partitions, [{ partition: 0, begin: 0, at: 5, end: 5 }])
    })
  })

  it('from the middle sees what lies in the window before, and skips nothing and no one', async () => {
    const log = await logWith(20)
    const writer = new ArrayWriter()
    await replayed(log, writer, { topology: withoutState, begin: [15] }, caughtUp)
    assert.deepEqual(projectsOf(writer), Array(5).fill('seen 11'))
    assert.equal(writer.written[0].origin.offset, 15)
  })

  it('goes on behind what all targets have', async () => {
    const log = await logWith(20)
    const writer = new ArrayWriter(16)
    await replayed(log, writer, { topology: withoutState, stored: [16] }, caughtUp)
    assert.deepEqual(
      writer.written.map(({ origin }) => [origin.offset, origin.previous]),
      [
        [17, 16],
        [18, 17],
        [19, 18],
      ],
    )
  })

  it('with stages that keep a state, goes back to a state that was kept', async () => {
    const log = await logWith(3_000)
    const states = new Kept()
    const first = new ArrayWriter()
    await replayed(log, first, { states }, async (replay) => {
      const flushing = setInterval(() => void first.flush(), 1)
      await caughtUp(replay)
      clearInterval(flushing)
    })
    assert.ok(states.kept !== null && states.kept.origin > 0 && states.kept.origin <= first.stored)
    const { kept } = states
    const second = new ArrayWriter(first.stored)
    await replayed(log, second, { states, stored: [first.stored] }, caughtUp)
    assert.equal(second.written[0].origin.offset, kept.origin + 1)
    assert.deepEqual(projectsOf(second), projectsOf(first).slice(kept.origin + 1))
  })

  it('without such a state begins again from where it began', async () => {
    const log = await logWith(5)
    const writer = new ArrayWriter(3)
    await replayed(log, writer, { stored: [3] }, caughtUp)
    assert.equal(writer.written.length, 5)
  })

  it('stops where it is told, waiting or not, and goes on', async () => {
    const log = await logWith(10)
    const writer = new ArrayWriter()
    await replayed(log, writer, {}, async (replay) => {
      await caughtUp(replay)
      replay.hold([11])
      await append(log, 10, 20)
      await replay.reach([11])
      assert.equal((await replay.progress()).partitions[0].at, 12)
      assert.equal(writer.written.length, 12)
      replay.hold(null)
      await replay.reach([19])
      assert.equal(writer.written.length, 20)
    })
  })

  it('puts aside what a sink cannot take, as an empty batch in its place', async () => {
    const writer = new ArrayWriter()
    const refusing = sink(({ origin }) => {
      if (origin.offset === 1) throw new TypeError('no')
    })
    await replayed(await logWith(3), writer, { targets: [{ sink: refusing, writer }] }, caughtUp)
    assert.deepEqual(
      writer.written.map(({ eventCount, outcomes }) => [eventCount, outcomes.get('dead_letter:sink_refused') ?? 0]),
      [
        [1, 0],
        [0, 1],
        [1, 0],
      ],
    )
  })

  it('ends with what broke it off: a writer, a stage, or a place that is gone', async () => {
    const writer = new ArrayWriter()
    await replayed(await logWith(3), writer, {}, async (replay) => {
      writer.fail(new TransientError('the disk is full'))
      await assert.rejects(replay.ended, /the disk is full/)
      await assert.rejects(replay.reach([100]), /the disk is full/)
    })
    const failing = defineStage({
      name: 'failing',
      consumes: raw,
      produces: events,
      build: () => () => {
        throw new RangeError('a bug')
      },
    })
    const broken = defineTopology('test', [failing])
    await replayed(await logWith(3), new ArrayWriter(), { topology: broken }, async (replay) => {
      await assert.rejects(replay.ended, /a bug/)
    })
    const trimmed = await logWith(10)
    await trimmed.trim(raw.name, 0, 5)
    await replayed(trimmed, new ArrayWriter(), { stored: [2], topology: withoutState }, async (replay) => {
      await assert.rejects(replay.ended, OperatorError)
    })
  })
})
