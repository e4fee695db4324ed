import assert from 'node:assert/strict'
import { test } from 'node:test'
import { otelLogsAndSpans } from '#schemas/tables/tables.ts'
import { createFileStore } from '#sinks/store/file_store.ts'
import { withFolder } from '#sinks/store/testing/folder.ts'
import { commitKey, decodeActions } from '../delta/actions.ts'
import { loadSnapshot } from '../delta/snapshot.ts'
import { sampleLogs } from '../testing/sample_logs.ts'
import { LakeWriter } from '../writer/lake_writer.ts'
import { LakeMaintenance, REMOVED_RETENTION_MS } from './maintenance.ts'
import { expireTable } from './retention.ts'

const PROJECT = sampleLogs({ rows: 0 }).projectId
const KEY = `${PROJECT}/otel_logs_and_spans`
const DAY_MS = 86_400_000
const NOON_MS = Date.UTC(2026, 2, 10, 12)

/** Five events on each of the last `days` days. */
async function writeDays(directory: string, days: number): Promise<void> {
  const writer = new LakeWriter({ store: createFileStore(directory), now: () => 0 })
  for (let offset = 0; offset < days; offset++) {
    await writer.add(sampleLogs({ rows: 5, offset, receivedAt: (NOON_MS - (days - 1 - offset) * DAY_MS) * 1000 }))
    await writer.flush()
  }
}

test('days before the retention leave the table, the others stay, positions too', () =>
  withFolder(async (directory) => {
    const store = createFileStore(directory)
    await writeDays(directory, 5)
    const before = await loadSnapshot(store, KEY)
    assert.equal(await expireTable(store, KEY, otelLogsAndSpans, 2, NOON_MS), 2)
    const state = await loadSnapshot(store, KEY)
    const kept = [...state.files.values()].map(({ partitionValues }) => partitionValues.date).sort()
    assert.deepEqual(kept, ['2026-03-08', '2026-03-09', '2026-03-10'])
    assert.deepEqual(state.txns, before.txns)
    const actions = decodeActions((await store.get(commitKey(KEY, state.version)))!, 'x')
    for (const action of actions) if ('remove' in action) assert.equal(action.remove.dataChange, true)
    assert.equal(await expireTable(store, KEY, otelLogsAndSpans, 2, NOON_MS), 0, 'nothing is done twice')
  }))

test('a table that is not there stays so', () =>
  withFolder(async (directory) => {
    const store = createFileStore(directory)
    assert.equal(await expireTable(store, KEY, otelLogsAndSpans, 1, NOON_MS), 0)
    assert.deepEqual(await store.list(''), [])
  }))

test('maintenance deletes what expired when nobody can be reading it any more', () =>
  withFolder(async (directory) => {
    const store = createFileStore(directory)
    await writeDays(directory, 3)
    const files = async () => (await store.list(`${KEY}/`)).filter(({ key }) => key.endsWith('.parquet')).length
    let now = Date.now()
    const maintenance = new LakeMaintenance({ store, now: () => now, failed: (_, error) => assert.fail(String(error)) })
    const daysToFirst = Math.floor(now / DAY_MS) - Math.floor(NOON_MS / DAY_MS)
    maintenance.expire([{ projectId: PROJECT, days: daysToFirst }])
    await maintenance.idle()
    assert.equal((await loadSnapshot(store, KEY)).files.size, 1)
    assert.equal(await files(), 3)
    now += REMOVED_RETENTION_MS + 1000
    maintenance.expire([{ projectId: PROJECT, days: daysToFirst + 8 }])
    await maintenance.idle()
    assert.equal(await files(), 1)
  }))
