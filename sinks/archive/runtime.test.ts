/** The archive as the runtime runs it: beside a stage on the same topic, with a group of its own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger } from '#pipeline/observability/logger.ts'
import { type Runtime, startRuntime } from '#pipeline/runtime/runtime.ts'
import { mapBatch } from '#pipeline/stage/operators.ts'
import { defineStage } from '#pipeline/stage/stage.ts'
import { createSqliteStateStore } from '#pipeline/state/sqlite.ts'
import { MemoryLog } from '#pipeline/testing/memory_log.ts'
import { batchOf, batchTopic, sourceTopic } from '#pipeline/testing/samples.ts'
import { until } from '#pipeline/testing/until.ts'
import { defineTopology } from '#pipeline/topology/topology.ts'
import { createFileStore } from '#sinks/store/file_store.ts'
import { withFolder } from '#sinks/store/testing/folder.ts'
import { ARCHIVE, defineArchive } from './archive.ts'
import { createArchiveReader } from './archive_reader.ts'
import { createArchivedLog } from './archived_log.ts'
import { assertRecords, LOG_ID, readFrom } from './testing/records.ts'

const raw = sourceTopic('test.raw.v1')
const events = batchTopic('test.events.v1')
const copy = defineStage({ name: 'copy', consumes: raw, produces: events, build: () => mapBatch((batch) => batch) })
const PARTITIONS = 2

test('what was read and trimmed is given back, with keys and times, over restarts', () =>
  withFolder(async (folder) => {
    const log = new MemoryLog(LOG_ID)
    const start = (): Promise<Runtime> =>
      startRuntime({
        topology: defineTopology('test', [copy], [defineArchive(raw, { store: { url: `file:${folder}` } })]),
        log,
        states: createSqliteStateStore(':memory:'),
        logger: createLogger('silent'),
        partitions: PARTITIONS,
      })
    const append = async (from: number, to: number) => {
      for (let at = from; at < to; at++) {
        for (let partition = 0; partition < PARTITIONS; partition++) {
          const value = raw.codec.encode(batchOf(at, { name: ['text', [`${partition}/${at}`]] }), 1)
          const key = at % 2 === 0 ? null : Buffer.from(`${at}`)
          await log.append([{ topic: raw.name, partition, key, value, timestamp: 1_000 + at }])
        }
      }
    }
    const archivedTo = async (end: number) => {
      const positions = await log.positions(ARCHIVE)
      return positions.length === PARTITIONS && positions.every(({ offset }) => offset === end)
    }
    const runtime = await start()
    await append(0, 30)
    const tasks = () => runtime.status().find(({ name }) => name === ARCHIVE)!.tasks
    await until(() => tasks().every(({ batches }) => batches === 30))
    assert.deepEqual(await log.positions(ARCHIVE), [], 'nothing is committed before it is stored')
    await runtime.close()
    assert.ok(await archivedTo(30), 'what was in memory is stored at the end')
    const again = await start()
    await append(30, 40)
    await until(() =>
      again
        .status()
        .find(({ name }) => name === ARCHIVE)!
        .tasks.every(({ batches }) => batches === 10),
    )
    await again.close()
    assert.ok(await archivedTo(40))
    const source = createArchivedLog(log, createArchiveReader(createFileStore(folder)))
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const all = await log.read(raw.name, partition, 0, { maxBytes: 1e9 })
      await log.trim(raw.name, partition, 35)
      assertRecords(await readFrom((offset, options) => source.read(raw.name, partition, offset, options), 0, 40), all)
    }
    // The archive refuses nothing: it adds no dead letters of its own.
    const topics = (await log.topics()).map(({ name }) => name)
    assert.deepEqual(topics.sort(), [events.name, raw.name, `${raw.name}.dlq`].sort())
  }))
