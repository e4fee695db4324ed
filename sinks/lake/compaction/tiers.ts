/** Which files to merge: small ones of a like size, so that each byte is rewritten a bounded number of times. */
import type { Add } from '../delta/actions.ts'

/** Files of this size and more are never rewritten. */
export const LARGE_BYTES = 16 * 2 ** 20
/** So many files of one tier are merged at once. */
export const MIN_FILES = 8
/** A merge stops at this much, so that its memory and its result are bounded. */
export const MAX_MERGE_BYTES = 64 * 2 ** 20

/**
 * Groups of files to merge, each of one date and one tier. Tier t holds files of 8^t KB up to the next: a merge of
 * eight lands in a higher tier, so a byte is rewritten at most once a tier, five times until it is large.
 */
export function filesToMerge(files: Iterable<Add>): Add[][] {
  const tiers = new Map<string, Add[]>()
  for (const file of files) {
    if (file.size >= LARGE_BYTES) continue
    const tier = Math.max(0, Math.floor(Math.log(file.size / 1024) / Math.log(MIN_FILES)))
    const name = `${file.partitionValues.date}/${tier}`
    tiers.set(name, [...(tiers.get(name) ?? []), file])
  }
  return [...tiers.values()].filter((tier) => tier.length >= MIN_FILES).map(bounded)
}

/** The oldest of them, up to the bound. */
function bounded(files: readonly Add[]): Add[] {
  const oldestFirst = [...files].sort((a, b) => a.modificationTime - b.modificationTime)
  let size = 0
  return oldestFirst.filter((file, at) => {
    size += file.size
    return at < 2 || size <= MAX_MERGE_BYTES
  })
}
