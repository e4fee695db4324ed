import assert from 'node:assert/strict'
import { test } from 'node:test'
import { columnOf } from '#pipeline/batch/column.ts'
import { createFileStore } from '#sinks/store/file_store.ts'
import { withFolder } from '#sinks/store/testing/folder.ts'
import { loadSnapshot } from './delta/snapshot.ts'
import { createLakeSink } from './lake.ts'
import { rowsOf } from './testing/lake_folder.ts'
import { LOG_ID, sampleLogs } from './testing/sample_logs.ts'

test('what was written is in the table after a flush, once, and the position says so', () =>
  withFolder(async (directory) => {
    const sink = createLakeSink({ store: { url: `file:${directory}` } })
    const batches = Array.from({ length: 4 }, (_, offset) => sampleLogs({ rows: 100, offset }))
    for (const batch of batches) await sink.write(batch)
    await sink.write(batches[3])
    assert.equal(sink.storedUpTo(0), -1, 'nothing is durable before a flush')
    await sink.flush()
    assert.equal(sink.storedUpTo(0), 3)
    await sink.progress()
    await sink.close()

    const key = `${batches[0].projectId}/otel_logs_and_spans`
    const state = await loadSnapshot(createFileStore(directory), key)
    assert.deepEqual([...state.txns], [[`${LOG_ID}/telemetry.raw.v1/0`, 3]])
    const rows = await rowsOf(directory, key, 'count(*) AS rows, count(DISTINCT id) AS ids')
    assert.deepEqual(rows, [{ rows: '400', ids: '400' }])
  }))

test('batches that come again after a crash are stored once', () =>
  withFolder(async (directory) => {
    const batches = Array.from({ length: 3 }, (_, offset) => sampleLogs({ rows: 10, offset }))
    const first = createLakeSink({ store: { url: `file:${directory}` } })
    await first.write(batches[0])
    await first.write(batches[1])
    await first.flush()
    await first.close()
    const second = createLakeSink({ store: { url: `file:${directory}` } })
    for (const batch of batches) await second.write(batch)
    await second.flush()
    assert.equal(second.storedUpTo(0), 2)
    await second.close()
    const rows = await rowsOf(directory, `${batches[0].projectId}/otel_logs_and_spans`, 'count(*) AS rows')
    assert.deepEqual(rows, [{ rows: '30' }])
  }))

test('ticks move the position and store nothing', () =>
  withFolder(async (directory) => {
    const sink = createLakeSink({ store: { url: `file:${directory}` } })
    const tick = { ...sampleLogs({ rows: 0, offset: 7 }), projectId: '', columns: new Map() }
    await sink.write(tick)
    await sink.flush()
    assert.equal(sink.storedUpTo(0), 7)
    await sink.close()
  }))

test('a project id that is no folder name stops the sink and touches nothing', () =>
  withFolder(async (directory) => {
    const sink = createLakeSink({ store: { url: `file:${directory}` } })
    await sink.write({ ...sampleLogs({ rows: 1 }), projectId: '../elsewhere' })
    await assert.rejects(sink.flush(), /not a project id/)
    assert.equal(sink.storedUpTo(0), -1)
    await sink.close()
  }))

test('where the thread cannot run, callers are told instead of waiting', async () => {
  const sink = createLakeSink({ store: { url: 'file:not/absolute' } })
  await assert.rejects(sink.flush(), { name: 'TransientError', message: /must be an absolute path/ })
  await assert.rejects(sink.write(sampleLogs({ rows: 1 })), { name: 'TransientError' })
  await assert.rejects(sink.progress(), { name: 'TransientError' })
  await sink.close()
  await sink.progress()
})

test('a closed sink lets go without storing', () =>
  withFolder(async (directory) => {
    const sink = createLakeSink({ store: { url: `file:${directory}` } })
    await sink.write(sampleLogs({ rows: 10 }))
    const progress = sink.progress()
    await sink.close()
    await progress
    assert.deepEqual(await createFileStore(directory).list(''), [])
  }))

test('more than fits on the way to the thread waits, and arrives in order', () =>
  withFolder(async (directory) => {
    const sink = createLakeSink({ store: { url: `file:${directory}` }, limits: { flushBytes: 2 ** 20 } })
    const body = columnOf('json', [`"${'x'.repeat(6_000_000)}"`])
    for (let offset = 0; offset < 8; offset++) {
      const batch = sampleLogs({ rows: 1, offset })
      await sink.write({ ...batch, columns: new Map([...batch.columns, ['body', body]]) })
    }
    await sink.flush()
    assert.equal(sink.storedUpTo(0), 7)
    await sink.close()
    const key = `${sampleLogs({ rows: 0 }).projectId}/otel_logs_and_spans`
    const rows = await rowsOf(directory, key, 'count(*) AS rows, min(length(body)) AS length')
    assert.deepEqual(rows, [{ rows: '8', length: '6000002' }])
  }))
