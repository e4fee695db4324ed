/** What a consumer does with a record, by its origin: the rule that makes at-least-once stages exact. */
import type { Origin } from '../batch/batch.ts'

export type Admission = 'accept' | 'skip' | 'gap'

/**
 * @param reached the origin offset this consumer reached in the partition; `null` before its first record
 * @returns `skip` for what was seen before (a stage repeats its output after a restart), `accept` for the next in
 *   order, `gap` where a record is missing in between: the partition must stop
 */
export function admit(reached: number | null, origin: Origin): Admission {
  if (reached === null || origin.previous === reached) return 'accept'
  return origin.offset <= reached ? 'skip' : 'gap'
}
