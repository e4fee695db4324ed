import assert from 'node:assert/strict'
import { test } from 'node:test'
import { otelLogsAndSpans } from '#schemas/tables/tables.ts'
import { createFileStore } from '#sinks/store/file_store.ts'
import { withFolder } from '#sinks/store/testing/folder.ts'
import { type Add, commitKey, decodeActions } from '../delta/actions.ts'
import { commit } from '../delta/commit.ts'
import { loadSnapshot } from '../delta/snapshot.ts'
import type { Stats } from '../delta/stats.ts'
import { headOf } from '../delta/table_head.ts'
import { rowsOf } from '../testing/lake_folder.ts'
import { sampleLogs } from '../testing/sample_logs.ts'
import { LakeWriter } from '../writer/lake_writer.ts'
import { compactTable } from './compaction.ts'
import { LakeMaintenance } from './maintenance.ts'
import { filesToMerge, LARGE_BYTES, MAX_MERGE_BYTES } from './tiers.ts'
import { vacuumTable } from './vacuum.ts'

const KEY = `${sampleLogs({ rows: 0 }).projectId}/otel_logs_and_spans`
const NOON = Date.UTC(2026, 2, 4, 12) * 1000

async function writeFiles(directory: string, count: number): Promise<void> {
  const writer = new LakeWriter({ store: createFileStore(directory), now: () => 0 })
  for (let offset = 0; offset < count; offset++) {
    // Later files hold earlier events: the merge must sort.
    await writer.add(sampleLogs({ rows: 50, offset, receivedAt: NOON - offset * 1_000_000 }))
    await writer.flush()
  }
}

const DIGEST = `count(*) AS rows, count(DISTINCT id) AS ids, sum(hash(id, epoch_us(timestamp), body, attributes, resource,
  hashes, level, attributes___http___response___status_code, context___trace_id, observed_timestamp))::VARCHAR AS digest`

test('eight small files become one: the same rows by time, the same statistics, positions untouched', () =>
  withFolder(async (directory) => {
    const store = createFileStore(directory)
    await writeFiles(directory, 8)
    const before = await loadSnapshot(store, KEY)
    const digest = await rowsOf(directory, KEY, DIGEST)
    assert.equal(await compactTable(store, KEY, otelLogsAndSpans, 1000), 7)

    const state = await loadSnapshot(store, KEY)
    assert.equal(state.files.size, 1)
    assert.deepEqual(state.txns, before.txns)
    assert.deepEqual(await rowsOf(directory, KEY, DIGEST), digest)
    const times = await rowsOf(directory, KEY, 'epoch_us(timestamp) AS t')
    const sorted = [...times].sort((a, b) => Number(a.t) - Number(b.t))
    assert.deepEqual(times, sorted)
    const bounds = [...before.files.values()].map((file) => JSON.parse(file.stats!) as Stats)
    const merged = JSON.parse([...state.files.values()][0].stats!) as Stats
    assert.equal(merged.numRecords, 400)
    assert.equal(merged.minValues.timestamp, bounds.map((it) => it.minValues.timestamp as string).sort()[0])
    assert.equal(
      merged.maxValues.timestamp,
      bounds
        .map((it) => it.maxValues.timestamp as string)
        .sort()
        .at(-1),
    )
    const actions = decodeActions((await store.get(commitKey(KEY, state.version)))!, 'x')
    for (const action of actions) {
      if ('add' in action) assert.equal(action.add.dataChange, false)
      if ('remove' in action) assert.equal(action.remove.dataChange, false)
    }
  }))

test('seven files are left alone', () =>
  withFolder(async (directory) => {
    await writeFiles(directory, 7)
    assert.equal(await compactTable(createFileStore(directory), KEY, otelLogsAndSpans, 1000), 0)
  }))

test('a merge is abandoned when an input was removed meanwhile; a commit that adds goes before it', () =>
  withFolder(async (directory) => {
    const store = createFileStore(directory)
    await writeFiles(directory, 8)
    const state = await loadSnapshot(store, KEY)
    const victim = [...state.files.values()][3]
    let interfere = true
    const racing = {
      ...store,
      async putIfAbsent(key: string, bytes: Uint8Array) {
        if (interfere) {
          interfere = false
          const remove = {
            path: victim.path,
            deletionTimestamp: 0,
            dataChange: true,
            extendedFileMetadata: true as const,
            partitionValues: victim.partitionValues,
            size: victim.size,
          }
          const request = { id: 'other', operation: 'WRITE' as const, add: [], remove: [remove], origins: new Map() }
          await commit(store, KEY, otelLogsAndSpans, headOf(await loadSnapshot(store, KEY)), request, 0)
        }
        return store.putIfAbsent(key, bytes)
      },
    }
    assert.equal(await compactTable(racing, KEY, otelLogsAndSpans, 1000), 0)
    assert.equal((await loadSnapshot(store, KEY)).files.size, 7)
  }))

test('vacuum deletes what is long gone and keeps what may still be read or committed', () =>
  withFolder(async (directory) => {
    const store = createFileStore(directory)
    await writeFiles(directory, 8)
    const now = Date.now()
    await compactTable(store, KEY, otelLogsAndSpans, now)
    await store.put(`${KEY}/date=2026-03-04/part-orphan.parquet`, new Uint8Array(1))
    assert.equal(await vacuumTable(store, KEY, now + 1000, 60_000), 0, 'all are younger than the retention')
    assert.equal(await vacuumTable(store, KEY, now + 120_000, 60_000), 9)
    const left = (await store.list(`${KEY}/date=2026-03-04/`)).map((object) => object.key.slice(KEY.length + 1))
    assert.deepEqual(left, [...(await loadSnapshot(store, KEY)).files.keys()])
    assert.equal((await rowsOf(directory, KEY, 'count(*) AS n'))[0].n, '400')
  }))

test('vacuum of a table that is not there deletes nothing', () =>
  withFolder(async (directory) => {
    const store = createFileStore(directory)
    await store.put(`${KEY}/date=2026-03-04/part-x.parquet`, new Uint8Array(1))
    assert.equal(await vacuumTable(store, KEY, Date.now() + 1e12, 1), 0)
  }))

test('maintenance that is to rest finishes the table it is at and begins no other', () =>
  withFolder(async (directory) => {
    const store = createFileStore(directory)
    await writeFiles(directory, 8)
    const maintenance = new LakeMaintenance({ store, now: () => 0, failed: (_, error) => assert.fail(String(error)) })
    for (let version = 0; version < 8; version++) maintenance.committed(KEY, otelLogsAndSpans, version)
    maintenance.committed('other', otelLogsAndSpans, 31)
    await maintenance.rest()
    assert.equal((await loadSnapshot(store, KEY)).files.size, 1)
    assert.deepEqual(await store.list('other/'), [])
    maintenance.expire([{ projectId: 'p', days: 1 }])
    await maintenance.idle()
  }))

test('maintenance compacts and checkpoints as commits go by', () =>
  withFolder(async (directory) => {
    const store = createFileStore(directory)
    const failures: unknown[] = []
    const maintenance = new LakeMaintenance({ store, now: () => 0, failed: (_, error) => failures.push(error) })
    const writer = new LakeWriter({
      store,
      now: () => 0,
      committed: ({ key, table }, version) => maintenance.committed(key, table, version),
    })
    for (let offset = 0; offset < 40; offset++) {
      await writer.add(sampleLogs({ rows: 5, offset }))
      await writer.flush()
      await maintenance.idle()
    }
    assert.deepEqual(failures, [])
    const state = await loadSnapshot(store, KEY)
    assert.ok(state.files.size < 16, `${state.files.size} files`)
    assert.notEqual(await store.get(`${KEY}/_delta_log/_last_checkpoint`), null)
    assert.equal((await rowsOf(directory, KEY, 'count(*) AS n'))[0].n, '200')
  }))

const file = (size: number, at = 0, date = '2026-03-04'): Add => ({
  path: `${date}/${size}-${at}`,
  partitionValues: { date },
  size,
  modificationTime: at,
  dataChange: true,
})
const many = (count: number, size: number, date?: string) =>
  Array.from({ length: count }, (_, at) => file(size, at, date))

test('only files of one date and of a like size are merged, and large ones never', () => {
  assert.deepEqual(filesToMerge([...many(7, 5000), ...many(7, 5000, '2026-03-05')]), [])
  assert.deepEqual(filesToMerge([...many(7, 5000), file(5_000_000)]), [])
  assert.deepEqual(filesToMerge(many(20, LARGE_BYTES)), [])
  assert.equal(filesToMerge([...many(8, 5000), ...many(9, 300_000)]).length, 2)
  const big = filesToMerge(many(30, LARGE_BYTES / 4))[0].files
  assert.equal(big.length, 8)
  assert.ok(big.reduce((sum, it) => sum + it.size, 0) <= MAX_MERGE_BYTES)
})

test('a byte is sorted at most four times and copied twice, however many files there are', () => {
  let written = 0
  let sortedBytes = 0
  let copiedBytes = 0
  let files: Add[] = []
  for (let at = 0; at < 20_000; at++) {
    files.push(file(14_000, at))
    written += 14_000
    for (const { files: merged, sorted } of filesToMerge(files)) {
      const size = merged.reduce((sum, it) => sum + it.size, 0)
      const gone = new Set(merged)
      files = [...files.filter((it) => !gone.has(it)), file(size, at)]
      if (sorted) sortedBytes += size
      else copiedBytes += size
    }
  }
  assert.ok(sortedBytes <= written * 4, `sorted ${(sortedBytes / written).toFixed(2)} times`)
  assert.ok(copiedBytes <= written * 2, `copied ${(copiedBytes / written).toFixed(2)} times`)
  assert.ok(files.length < 80, `${files.length} files are left`)
})
