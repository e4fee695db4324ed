/** One project's bad batch costs that batch alone: the lake goes on for all others, and over a restart. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Batch } from '#pipeline/batch/batch.ts'
import { columnOf, valueAt } from '#pipeline/batch/column.ts'
import { createLogger } from '#pipeline/observability/logger.ts'
import { type Runtime, startRuntime } from '#pipeline/runtime/runtime.ts'
import { mapBatch } from '#pipeline/stage/operators.ts'
import { defineStage } from '#pipeline/stage/stage.ts'
import { defineTopic } from '#pipeline/stage/topic.ts'
import { createSqliteStateStore } from '#pipeline/state/sqlite.ts'
import { MemoryLog } from '#pipeline/testing/memory_log.ts'
import { defineTopology } from '#pipeline/topology/topology.ts'
import { telemetryEvents } from '#schemas/topics.ts'
import { withFolder } from '#sinks/store/testing/folder.ts'
import { defineLake } from './lake.ts'
import { rowsOf } from './testing/lake_folder.ts'
import { LOG_ID, sampleLogs } from './testing/sample_logs.ts'

/** Never fed: the test writes what a stage of ours would have to be broken to write. */
const broken = defineStage({
  name: 'broken',
  consumes: defineTopic('telemetry.raw.v1', telemetryEvents.codec, { source: true }),
  produces: telemetryEvents,
  build: () => mapBatch((batch) => batch),
})

const bad = (offset: number): Batch => {
  const batch = sampleLogs({ rows: 10, offset, projectId: 'bad' })
  return { ...batch, columns: new Map([...batch.columns, ['level', columnOf('long', Array(10).fill(3n))]]) }
}
const BATCHES: readonly Batch[] = [
  sampleLogs({ rows: 10, offset: 0, projectId: 'one' }),
  bad(1),
  sampleLogs({ rows: 10, offset: 2, projectId: 'bad' }),
  { ...sampleLogs({ rows: 10, offset: 3 }), projectId: '../elsewhere' },
  sampleLogs({ rows: 10, offset: 4, projectId: 'one' }),
  bad(5),
]

async function append(log: MemoryLog, batches: readonly Batch[]): Promise<void> {
  const { name, codec } = telemetryEvents
  await log.append(batches.map((batch) => ({ topic: name, partition: 0, value: codec.encode(batch, 1), timestamp: 0 })))
}

/** Lets the runtime read so many batches, and closes it. */
async function reads(runtime: Runtime, batches: number): Promise<void> {
  const [task] = runtime.status().find(({ name }) => name === 'lake')!.tasks
  for (let turn = 0; turn < 10_000 && task.batches < batches && task.condition !== 'stopped'; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { condition, reason } = task
  await runtime.close()
  assert.deepEqual([condition, task.batches], ['running', batches], `${reason}`)
}

test('a batch the lake cannot take is a dead letter, and every other one is stored, once', () =>
  withFolder(async (folder) => {
    const log = new MemoryLog(LOG_ID)
    const directory = join(folder, 'lake')
    const start = () =>
      startRuntime({
        topology: defineTopology('test', [broken], [defineLake({ store: { url: `file:${directory}` } })]),
        log,
        states: createSqliteStateStore(':memory:'),
        logger: createLogger('silent'),
        partitions: 1,
      })
    const first = await start()
    await append(log, BATCHES.slice(0, 3))
    await reads(first, 3)

    const second = await start()
    // A stage that was restarted repeats itself.
    await append(log, BATCHES.slice(1))
    await reads(second, 3)

    const [position] = await log.positions('lake')
    assert.deepEqual(position.reached, { 0: 5 })
    for (const [project, rows] of [
      ['one', 20],
      ['bad', 10],
    ] as const) {
      const table = await rowsOf(
        directory,
        `${project}/otel_logs_and_spans`,
        'count(*) AS n, count(DISTINCT id) AS ids',
      )
      assert.deepEqual(table, [{ n: `${rows}`, ids: `${rows}` }])
    }
    const dead = await log.read(`${telemetryEvents.name}.dlq`, 0, 0, { maxBytes: 1e9 })
    const reasons = dead.map(({ value }) => {
      const batch = telemetryEvents.codec.decode(value, BATCHES[0].origin)
      return [batch.origin.offset, batch.eventCount, valueAt(batch.columns.get('dead_letter.detail')!, 0)]
    })
    const level = 'lake: column level of otel_logs_and_spans: it is long, where text wants text'
    assert.deepEqual(reasons, [
      [1, 10, level],
      [3, 10, 'lake: not a project id: "../elsewhere"'],
      [5, 10, level],
    ])
  }))
