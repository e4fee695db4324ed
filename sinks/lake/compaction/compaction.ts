/**
 * Compaction: many small files of a day become one. Nothing is said about the rows (`dataChange` is
 * false) and nothing about how far partitions have come.
 */
import { randomUUID } from 'node:crypto'
import type { Table } from '#schemas/tables/tables.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import type { Add } from '../delta/actions.ts'
import { commit, type TableHead } from '../delta/commit.ts'
import { loadSnapshot } from '../delta/snapshot.ts'
import { mergeStats, type Stats } from '../delta/stats.ts'
import { headOf } from '../delta/table_head.ts'
import { newFilePath } from '../paths.ts'
import { copyFiles, mergeFiles } from './merge_files.ts'
import { removal } from './removal.ts'
import { filesToMerge, type Merge } from './tiers.ts'

/**
 * Merges what is worth it.
 * @param key the table's key prefix
 * @param nowMs milliseconds since 1970
 * @returns how many files are gone
 * @throws TransientError where the store failed; a merge is committed whole or not at all
 */
export async function compactTable(store: ObjectStore, key: string, table: Table, nowMs: number): Promise<number> {
  const state = await loadSnapshot(store, key)
  const head = headOf(state)
  let gone = 0
  for (const merge of filesToMerge(state.files.values())) {
    if (await compactFiles(store, key, table, head, merge, nowMs)) gone += merge.files.length - 1
  }
  return gone
}

async function compactFiles(
  store: ObjectStore,
  key: string,
  table: Table,
  head: TableHead,
  { files, sorted }: Merge,
  nowMs: number,
): Promise<boolean> {
  const { partitionValues } = files[0]
  const path = newFilePath(partitionValues.date)
  const keys = files.map((file) => `${key}/${file.path}`)
  const bytes = (sorted ? null : await copyFiles(store, keys)) ?? (await mergeFiles(store, keys))
  await store.put(`${key}/${path}`, bytes)
  const statistics = files.map(({ stats }) => (stats === undefined ? null : (JSON.parse(stats) as Stats)))
  const stats = statistics.includes(null) ? undefined : JSON.stringify(mergeStats(statistics as Stats[]))
  const add: Add = {
    path,
    partitionValues,
    size: bytes.length,
    modificationTime: nowMs,
    dataChange: false,
    ...(stats === undefined ? {} : { stats }),
  }
  const request = {
    id: randomUUID(),
    operation: 'OPTIMIZE' as const,
    add: [add],
    remove: files.map((file) => removal(file, nowMs, false)),
  }
  const outcome = await commit(store, key, table, head, { ...request, origins: new Map() }, nowMs)
  // Where someone else removed an input, the merged file stays behind for vacuum.
  return outcome.kind === 'committed'
}
