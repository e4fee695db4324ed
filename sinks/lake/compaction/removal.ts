import type { Add, Remove } from '../delta/actions.ts'

/** Takes a file out of a table. @param dataChange whether its rows go with it, or are in another file */
export function removal({ path, partitionValues, size }: Add, nowMs: number, dataChange: boolean): Remove {
  return { path, deletionTimestamp: nowMs, dataChange, extendedFileMetadata: true, partitionValues, size }
}
