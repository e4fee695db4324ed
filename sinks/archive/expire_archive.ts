/** Retention of the archive, where there is one: whole objects, the oldest first. */
import type { ObjectStore } from '#sinks/store/object_store.ts'
import { firstIn, type PartitionPlace, prefixOf } from './place.ts'

/**
 * Deletes a partition's objects that were stored before a time. The newest stays whatever its age: it says how far the
 * archive has come.
 * @param beforeMs milliseconds since 1970, by the store's clock
 * @returns how many were deleted
 * @throws TransientError where the store failed; the next time is soon
 */
export async function expireArchive(store: ObjectStore, place: PartitionPlace, beforeMs: number): Promise<number> {
  const objects = (await store.list(prefixOf(place))).filter(({ key }) => firstIn(key) !== null)
  const young = objects.findIndex(({ modifiedMs }) => modifiedMs >= beforeMs)
  const old = objects.slice(0, young < 0 ? -1 : Math.min(young, objects.length - 1))
  await store.delete(old.map(({ key }) => key))
  return old.length
}
