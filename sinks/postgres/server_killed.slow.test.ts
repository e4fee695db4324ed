/** The sink in the runtime, while its PostgreSQL is killed under it: nobody does anything, and nothing is lost or doubled. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createLogger } from '#pipeline/observability/logger.ts'
import { migrate } from '#pipeline/postgres/migrate.ts'
import { createTestPostgres, type TestPostgres } from '#pipeline/postgres/testing.ts'
import { startRuntime } from '#pipeline/runtime/runtime.ts'
import { mapBatch } from '#pipeline/stage/operators.ts'
import { defineStage } from '#pipeline/stage/stage.ts'
import { createSqliteStateStore } from '#pipeline/state/sqlite.ts'
import { MemoryLog } from '#pipeline/testing/memory_log.ts'
import { sourceTopic } from '#pipeline/testing/samples.ts'
import { until } from '#pipeline/testing/until.ts'
import { defineTopology } from '#pipeline/topology/topology.ts'
import { telemetryEvents } from '#schemas/topics.ts'
import { createGeneration } from './generations.ts'
import { createPostgresWriter, definePostgres } from './postgres.ts'
import { TELEMETRY_PROJECTIONS } from './telemetry_projections.ts'
import { rowsOf } from './testing/projections_database.ts'
import { sampleEvents } from './testing/sample_events.ts'

let postgres: TestPostgres
before(async () => {
  postgres = await createTestPostgres()
  await migrate(postgres.database, join(import.meta.dirname, '../../schemas/postgres'))
})
after(() => postgres.close())

const raw = sourceTopic('test.raw.v1')
const pass = defineStage({
  name: 'pass',
  consumes: raw,
  produces: telemetryEvents,
  build: () => mapBatch((batch) => batch),
})

const BATCHES = 300
const KILLED_AT = [40, 150]

test('a PostgreSQL that is killed in the middle has everything once when it is back', async () => {
  const { database, server } = postgres
  const log = new MemoryLog()
  const sink = definePostgres({ database, limits: { flushAgeMs: 5, maxBatches: 20 } })
  const options = {
    topology: defineTopology('test', [pass], [sink]),
    log,
    logger: createLogger('silent'),
    partitions: 1,
  }
  const states = createSqliteStateStore(':memory:')
  const runtime = await startRuntime({ ...options, states })
  const batches = Array.from({ length: BATCHES }, (_, offset) => sampleEvents(offset))
  const reached = async () => (await log.positions(sink.name))[0]?.reached[0] ?? -1
  for (const batch of batches) {
    await log.append([{ topic: raw.name, partition: 0, value: raw.codec.encode(batch, 1), timestamp: 0 }])
    const { offset } = batch.origin
    if (offset % 20 === 0) await until(async () => (await reached()) >= offset - 40)
    if (KILLED_AT.includes(offset)) process.kill(server.pid()!, 'SIGKILL')
  }
  await until(async () => (await reached()) === BATCHES - 1)
  const status = runtime.status().find(({ name }) => name === sink.name)
  assert.ok(status!.tasks[0].retries > 0, 'it was felt')
  await runtime.close()

  const straight = await createGeneration(database, TELEMETRY_PROJECTIONS)
  const writer = await createPostgresWriter({ database, generation: straight })
  for (const batch of batches) await writer.write(batch)
  await writer.flush()
  await writer.close()
  for (const projection of TELEMETRY_PROJECTIONS) {
    assert.deepEqual(await rowsOf(database, projection), await rowsOf(database, projection, straight))
  }
})
