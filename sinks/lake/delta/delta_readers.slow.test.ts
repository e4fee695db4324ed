/**
 * Standard readers open our tables: pyarrow and delta-rs, from PyPI, in an environment of their own under the temporary
 * folder. Without Python or PyPI the test is skipped, except in CI.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Batch, positionAt } from '#pipeline/batch/batch.ts'
import { valueAt } from '#pipeline/batch/column.ts'
import { storedColumns } from '#schemas/tables/stored.ts'
import { otelLogsAndSpans } from '#schemas/tables/tables.ts'
import { createFileStore } from '#sinks/store/file_store.ts'
import { withFolder } from '#sinks/store/testing/folder.ts'
import { compactTable } from '../compaction/compaction.ts'
import { LakeMaintenance } from '../compaction/maintenance.ts'
import { pythonWithReaders, readTable, type SeenTable } from '../testing/delta_readers.ts'
import { sampleLogs } from '../testing/sample_logs.ts'
import { LakeWriter } from '../writer/lake_writer.ts'

const DAY = 86_400_000_000
const NOON = Date.UTC(2026, 2, 4, 12) * 1000

test('pyarrow and delta-rs read what we wrote, before and after compaction and a checkpoint', async (context) => {
  const python = await pythonWithReaders()
  if (python === null) return context.skip('no Python with pyarrow and deltalake could be set up')
  await withFolder(async (directory) => {
    const store = createFileStore(directory)
    const maintenance = new LakeMaintenance({ store, now: Date.now, failed: (_, error) => assert.fail(error as Error) })
    const writer = new LakeWriter({
      store,
      now: Date.now,
      committed: ({ key, table }, version) => maintenance.committed(key, table, version),
    })
    const batches: Batch[] = []
    for (let offset = 0; offset < 36; offset++) {
      batches.push(sampleLogs({ rows: 40, offset, receivedAt: NOON + (offset % 2) * DAY }))
      await writer.add(batches[offset])
      await writer.flush()
      await maintenance.idle()
    }
    const key = `${batches[0].projectId}/${otelLogsAndSpans.name}`
    const before = await readTable(python, join(directory, key))
    check(before, batches)
    await compactTable(store, key, otelLogsAndSpans, Date.now())
    check(await readTable(python, join(directory, key)), batches)
  })
})

function check(seen: SeenTable, batches: readonly Batch[]): void {
  const sum = (name: string) =>
    batches.reduce((total, batch) => {
      const column = batch.columns.get(name)!
      for (let row = 0; row < batch.eventCount; row++) total += valueAt(column, row) as bigint
      return total
    }, 0n)
  assert.deepEqual(seen.protocol, [1, 2])
  assert.deepEqual(seen.partition_columns, ['date'])
  assert.deepEqual([seen.rows, seen.ids], [1440, 1440])
  assert.equal(BigInt(seen.status), sum('attributes___http___response___status_code'))
  assert.equal(BigInt(seen.timestamps), sum('timestamp'))
  assert.ok(seen.pruned > 0 && seen.pruned < seen.files, `${seen.pruned} of ${seen.files} files have the second day`)
  assert.equal(Object.keys(seen.types).length, otelLogsAndSpans.stored.length)
  assert.equal(seen.types.timestamp, 'timestamp[us, tz=UTC]')
  assert.match(seen.types.hashes, /^list<.*: string>$/)
  const { columns } = storedColumns(batches[0])
  assert.equal(positionAt(batches[0], 0), 0)
  for (const [name, value] of Object.entries(seen.first)) {
    const stored = valueAt(columns.get(name)!, 0)
    assert.deepEqual(value, name === 'hashes' ? JSON.parse(stored as string) : stored)
  }
}
