/**
 * The runtime in a simulated world: hundreds of seeds, each another order of events, lost answers, crashes and zombies.
 * Afterwards every event is in the sink once and in order, or among the dead letters if the sink refused it. A failing seed is named; run it alone with SIMULATION_SEED.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Batch } from '../batch/batch.ts'
import { columnOf, valueAt } from '../batch/column.ts'
import type { NewRecord } from '../log/log.ts'
import { createLogger } from '../observability/logger.ts'
import { mapBatch } from '../stage/operators.ts'
import { defineStage } from '../stage/stage.ts'
import { jsonState, stateful } from '../stage/stateful.ts'
import { createSqliteStateStore } from '../state/sqlite.ts'
import { MemoryLog } from '../testing/memory_log.ts'
import { batchOf, batchTopic, sourceTopic } from '../testing/samples.ts'
import { type Faults, Scheduler, SimLog, type SimProcess, SimStorage, simSink } from '../testing/simulation.ts'
import { defineTopology } from '../topology/topology.ts'
import { type Runtime, startRuntime } from './runtime.ts'

const SEEDS = 400
const PARTITIONS = 2
const BATCHES = 12
const FAULTS: Faults = { failure: 0.03, lostAnswer: 0.03, partialAppend: 0.05 }

const raw = sourceTopic('sim.raw.v1')
const marked = batchTopic('sim.marked.v1')
const numbered = batchTopic('sim.numbered.v1')
const logger = createLogger('silent')

const mark = defineStage({
  name: 'mark',
  consumes: raw,
  produces: marked,
  build: () => mapBatch((batch) => batch),
})

/** Gives every event its number within the partition: repeats and losses show in the numbers. */
const number = defineStage({
  name: 'number',
  consumes: marked,
  produces: numbered,
  build: (_, context) =>
    stateful<{ seen: number }, Batch, Batch>(context, {
      initial: () => ({ seen: 0 }),
      snapshot: jsonState(),
      step(state, batch) {
        const values = Array.from({ length: batch.eventCount }, () => BigInt(state.seen++))
        return { ...batch, columns: new Map([...batch.columns, ['number', columnOf('long', values)]]) }
      },
    }),
})

function rowText(batch: Batch, row: number): string {
  return `${valueAt(batch.columns.get('name')!, row)}#${valueAt(batch.columns.get('number')!, row)}`
}

/** Batches the sink refuses; the ones after them tell that it went on. */
const REFUSED = [4, 9]

function refuse(batch: Batch): void {
  if (REFUSED.includes(batch.origin.offset)) throw new TypeError('not that one')
}

function inputs(partition: number): NewRecord[] {
  return Array.from({ length: BATCHES }, (_, at) => {
    const names = Array.from({ length: 1 + (at % 3) }, (_, row) => `p${partition}b${at}r${row}`)
    const batch = batchOf(at, { name: ['text', names] })
    return { topic: raw.name, partition, value: raw.codec.encode(batch, 1), timestamp: batch.receivedAt / 1000 }
  })
}

/** Rows by where they belong: in the sink, or among the dead letters of what it reads. */
function expected(partition: number): { readonly stored: string[]; readonly dead: string[] } {
  let seen = 0
  const batches = Array.from({ length: BATCHES }, (_, at) =>
    Array.from({ length: 1 + (at % 3) }, (_, row) => `p${partition}b${at}r${row}#${seen++}`),
  )
  const isRefused = (_rows: unknown, at: number) => REFUSED.includes(at)
  return { stored: batches.filter((rows, at) => !isRefused(rows, at)).flat(), dead: batches.filter(isRefused).flat() }
}

/** What a reader of the dead letters sees: each origin the first time. */
async function deadRows(log: MemoryLog, partition: number): Promise<string[]> {
  const records = await log.read(`${numbered.name}.dlq`, partition, 0, { maxBytes: 1e9 })
  let reached = -1
  return records.flatMap((record) => {
    const batch = numbered.codec.decode(record.value, batchOf(0).origin)
    if (batch.origin.offset <= reached) return []
    reached = batch.origin.offset
    return Array.from({ length: batch.eventCount }, (_, row) => rowText(batch, row))
  })
}

async function simulate(seed: number): Promise<{ crashes: number; zombies: number }> {
  const scheduler = new Scheduler(seed)
  const shared = new MemoryLog('51000000-0000-4000-8000-000000000000')
  const states = createSqliteStateStore(':memory:')
  const storage = new SimStorage()
  const counts = { crashes: 0, zombies: 0 }
  let runtime: Runtime | null = null
  let living: SimProcess = { dead: true }

  const start = async (): Promise<void> => {
    const process: SimProcess = { dead: false }
    living = process
    const log = new SimLog(shared, process, scheduler, FAULTS)
    const sink = simSink(numbered, storage, process, scheduler, FAULTS, rowText, refuse)
    const topology = defineTopology('sim', [mark, number], [sink])
    const sleep = () => scheduler.turn(process)
    runtime = await startRuntime({ topology, log, states, logger, partitions: PARTITIONS, credits: 3, sleep })
  }
  await start()
  for (const records of [0, 1].map(inputs)) await shared.append(records)

  const total = expected(0).stored.length + expected(1).stored.length
  const stoppedReason = () =>
    runtime!
      .status()
      .flatMap((part) => part.tasks)
      .find((task) => task.condition === 'stopped')?.reason
  for (let life = 0; life < 6; life++) {
    const until = scheduler.steps + Math.floor(scheduler.random() * 300)
    const cut = life < 5 ? until : Number.MAX_SAFE_INTEGER
    await scheduler.run(() => storage.rows.length >= total || stoppedReason() != null || scheduler.steps >= cut, 20_000)
    if (storage.rows.length >= total || stoppedReason() != null) break
    if (scheduler.chance(0.7)) {
      living.dead = true
      counts.crashes++
    } else counts.zombies++
    await start()
  }
  assert.equal(stoppedReason(), undefined)
  for (const partition of [0, 1]) {
    const rows = storage.rows.filter((row) => row.partition === partition).map((row) => row.value)
    assert.deepEqual(rows, expected(partition).stored)
    assert.deepEqual(await deadRows(shared, partition), expected(partition).dead)
  }
  living.dead = true
  await states.close()
  return counts
}

describe('the runtime in a simulated world', () => {
  const only = process.env.SIMULATION_SEED
  const seeds = only === undefined ? Array.from({ length: SEEDS }, (_, seed) => seed) : [Number(only)]

  it(`stores every event once and in order under ${seeds.length} seeds`, async () => {
    const sum = { crashes: 0, zombies: 0 }
    for (const seed of seeds) {
      try {
        const counts = await simulate(seed)
        sum.crashes += counts.crashes
        sum.zombies += counts.zombies
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message} (run it alone: SIMULATION_SEED=${seed})`, {
          cause: error,
        })
      }
    }
    if (only === undefined) assert.ok(sum.crashes > SEEDS && sum.zombies > SEEDS / 4, JSON.stringify(sum))
  })

  for (const [what, damage] of [
    ['lost', (records: NewRecord[]) => records.toSpliced(5, 1)],
    ['exchanged', (records: NewRecord[]) => [...records.slice(0, 5), records[6], records[5], ...records.slice(7)]],
  ] as const) {
    it(`stops the partition and says so where a log has ${what} a record`, async () => {
      const log = new MemoryLog()
      const storage = new SimStorage()
      const topic = batchTopic('sim.given.v1')
      const copy = defineStage({
        name: 'copy',
        consumes: raw,
        produces: topic,
        build: () => mapBatch((batch) => batch),
      })
      await log.createTopics([{ name: topic.name, partitions: 1, retentionMs: 1e9, retentionBytes: null }])
      const given = Array.from({ length: 10 }, (_, at) => ({
        topic: topic.name,
        partition: 0,
        value: topic.codec.encode(batchOf(at, { name: ['text', [`${at}`]], number: ['long', [0n]] }), 1),
        timestamp: at,
      }))
      await log.append(damage(given))
      const scheduler = new Scheduler(1)
      const living: SimProcess = { dead: false }
      const none: Faults = { failure: 0, lostAnswer: 0, partialAppend: 0 }
      const sink = simSink(topic, storage, living, scheduler, none, rowText)
      const runtime = await startRuntime({
        topology: defineTopology('sim', [copy], [sink]),
        log,
        states: createSqliteStateStore(':memory:'),
        logger,
        partitions: 1,
      })
      const [task] = runtime.status()[1].tasks
      await scheduler.run(() => task.condition === 'stopped', 5_000)
      for (let turn = 0; turn < 100 && task.condition !== 'stopped'; turn++)
        await scheduler.run(() => false, scheduler.steps + 20)
      assert.equal(task.condition, 'stopped')
      assert.match(task.reason!, /stands at origin 4 .* follows origin 5/)
      assert.ok(storage.rows.length <= 5)
    })
  }
})
