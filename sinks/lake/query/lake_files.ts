/** Where DuckDB finds the lake's files: in the lake's own folder, or in a cache of a bucket's objects. */
import { join } from 'node:path'
import { TransientError } from '#pipeline/errors/errors.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import { openStore, placeOf, type StoreSettings } from '#sinks/store/open_store.ts'
import { createObjectCache, type ObjectCache } from './object_cache.ts'
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
  const files = place.kind === 'folder' ? filesIn(place.directory) : cachedFiles(store, cache)
  return { store, files }
}

/** @param directory of the store */
export function filesIn(directory: string): LakeFiles {
  return {
    directory: (projectId) => join(directory, projectId),
    hold: async (files) => ({ paths: files.map(({ key }) => join(directory, key)), release() {} }),
    close: async () => {},
  }
}

/**
 * The folder is touched when a file is first asked for: some open a lake and read none of its files, while another process
 * does.
 * @param store of a bucket, which has no paths of its own
 */
export function cachedFiles(store: ObjectStore, { directory, maxBytes }: CacheSettings): LakeFiles {
  let opening: Promise<ObjectCache> | null = null
  return {
    directory: (projectId) => join(directory, projectId),
    async hold(files, signal) {
      opening ??= createObjectCache({ store, directory, maxBytes }).catch((cause) => {
        opening = null
        throw new TransientError(`the cache ${directory} cannot be opened: ${(cause as Error).message}`, { cause })
      })
      return (await opening).hold(files, signal)
    },
    async close() {
      ;(await opening)?.close()
    },
  }
}
