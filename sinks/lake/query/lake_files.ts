/** Where DuckDB finds the lake's files: in the lake's own folder, or in a cache of a bucket's objects. */
import { join } from 'node:path'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import { openStore, placeOf, type StoreSettings } from '#sinks/store/open_store.ts'
import { createObjectCache } from './object_cache.ts'
import type { LakeFiles } from './snapshot.ts'

export interface CacheSettings {
  /** Absolute; of one process. */
  readonly directory: string
  readonly maxBytes: number
}

/** @throws OperatorError where the URL is none of a store */
export async function openLakeFiles(
  settings: StoreSettings,
  cache: CacheSettings,
): Promise<{ readonly store: ObjectStore; readonly files: LakeFiles }> {
  const place = placeOf(settings.url)
  const store = await openStore(settings)
  const files = place.kind === 'folder' ? filesIn(place.directory) : await cachedFiles(store, cache)
  return { store, files }
}

/** @param directory of the store */
export function filesIn(directory: string): LakeFiles {
  return {
    directory: (projectId) => join(directory, projectId),
    hold: async (files) => ({ paths: files.map(({ key }) => join(directory, key)), release() {} }),
  }
}

/** @param store of a bucket, which has no paths of its own */
export async function cachedFiles(store: ObjectStore, { directory, maxBytes }: CacheSettings): Promise<LakeFiles> {
  const cache = await createObjectCache({ store, directory, maxBytes })
  return { directory: (projectId) => join(directory, projectId), hold: cache.hold }
}
