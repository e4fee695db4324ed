/** Which files to merge: those of a like size, so that each byte is rewritten a bounded number of times. */
import type { Add } from '../delta/actions.ts'

/** Smaller files are sorted into one; from here on row groups are large enough to be copied as they are. */
export const SORTED_BYTES = 4 * 2 ** 20
/** Files of this size and more are left alone. */
export const LARGE_BYTES = 32 * 2 ** 20
/** So many files of one tier are merged at once. */
export const MIN_FILES = 8
/** A merge stops at this much, so that its memory and its result are bounded. */
export const MAX_MERGE_BYTES = 64 * 2 ** 20

export interface Merge {
  readonly files: readonly Add[]
  /** True: rows in the order of time. False: row groups as they are, the earliest file first. */
  readonly sorted: boolean
}

/**
 * Merges worth making, each of files of one date and one tier. Tier t holds sizes from 8^t KB up to eight times as much:
 * a merge of eight lands in a higher one, so a byte is sorted at most four times (below 4 MB), and copied twice.
 */
export function filesToMerge(files: Iterable<Add>): Merge[] {
  const tiers = new Map<string, Add[]>()
  for (const file of files) {
    if (file.size >= LARGE_BYTES) continue
    const sorted = file.size < SORTED_BYTES
    const tier = sorted ? Math.max(0, Math.floor(Math.log(file.size / 1024) / Math.log(MIN_FILES))) : 'copied'
    const name = `${file.partitionValues.date}/${tier}`
    tiers.set(name, [...(tiers.get(name) ?? []), file])
  }
  return [...tiers.values()].filter((tier) => tier.length >= MIN_FILES).map(bounded)
}

/** The oldest of a tier, up to the bound. */
function bounded(tier: readonly Add[]): Merge {
  const oldestFirst = [...tier].sort((a, b) => a.modificationTime - b.modificationTime)
  let size = 0
  const files = oldestFirst.filter((file) => {
    size += file.size
    return size <= MAX_MERGE_BYTES
  })
  return { files, sorted: tier[0].size < SORTED_BYTES }
}
