/** Retention: what is older than a project keeps leaves its tables, by whole days. */
import { randomUUID } from 'node:crypto'
import type { Table } from '#schemas/tables/tables.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import { commit } from '../delta/commit.ts'
import { loadSnapshot } from '../delta/snapshot.ts'
import { headOf } from '../delta/table_head.ts'
import { dateOf } from '../paths.ts'
import { removal } from './removal.ts'

const DAY_MS = 86_400_000

/** How long a project's events are kept. */
export interface Retention {
  readonly projectId: string
  /** Whole days (UTC) besides today. */
  readonly days: number
}

/**
 * Takes the files of days before the retention out of a table; vacuum deletes them when nobody reads them any more.
 * @param key the table's key prefix
 * @param nowMs milliseconds since 1970
 * @returns how many files left; 0 as well where another writer removed one of them at that moment: the next time is soon
 * @throws TransientError where the store failed; a removal is committed whole or not at all
 */
export async function expireTable(
  store: ObjectStore,
  key: string,
  table: Table,
  days: number,
  nowMs: number,
): Promise<number> {
  const state = await loadSnapshot(store, key)
  const oldest = dateOf(Math.floor(nowMs / DAY_MS) - days)
  const expired = [...state.files.values()].filter(({ partitionValues }) => partitionValues.date < oldest)
  if (expired.length === 0) return 0
  const request = {
    id: randomUUID(),
    operation: 'DELETE' as const,
    add: [],
    remove: expired.map((file) => removal(file, nowMs, true)),
    origins: new Map(),
  }
  const outcome = await commit(store, key, table, headOf(state), request, nowMs)
  return outcome.kind === 'committed' ? expired.length : 0
}
