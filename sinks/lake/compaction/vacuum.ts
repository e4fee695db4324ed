/** Deletes files that no version within the retention names: removed ones, and uploads whose commit never came. */

import type { ObjectStore } from '#sinks/store/object_store.ts'
import { logPrefix } from '../delta/actions.ts'
import { loadSnapshot } from '../delta/snapshot.ts'

/**
 * A file goes when the table does not have it, it was not removed within the retention, and it is older than the
 * retention: a younger one may be an upload whose commit is still to come.
 * @param key the table's key prefix
 * @returns how many files were deleted
 * @throws TransientError where the store failed; what was deleted stays deleted
 */
export async function vacuumTable(
  store: ObjectStore,
  key: string,
  nowMs: number,
  retentionMs: number,
): Promise<number> {
  const state = await loadSnapshot(store, key)
  // A table that cannot be read says nothing about its files.
  if (state.version < 0) return 0
  const log = logPrefix(key)
  const oldest = nowMs - retentionMs
  const gone = (await store.list(`${key}/`)).filter((object) => {
    if (object.key.startsWith(log) || object.modifiedMs > oldest) return false
    const path = object.key.slice(key.length + 1)
    const removed = state.removed.get(path)
    return !state.files.has(path) && (removed === undefined || removed.deletionTimestamp <= oldest)
  })
  await store.delete(gone.map((object) => object.key))
  return gone.length
}
