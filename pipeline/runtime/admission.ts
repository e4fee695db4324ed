/** What a consumer does with a record, by its origin: the rule that makes at-least-once stages exact. */
import type { Origin } from '../batch/batch.ts'
import type { Reached } from '../log/log.ts'

export type Admission = 'accept' | 'skip' | 'gap'

/**
 * @param reached what this consumer reached; only the component of the record's own source partition counts
 * @returns `skip` for what was seen before (a stage repeats its output after a restart), `accept` for the first met of
 *   its source partition and for the next in order, `gap` where a record is missing in between: the partition must stop
 */
export function admit(reached: Reached, origin: Origin): Admission {
  const last = reached[origin.partition]
  if (last === undefined) return 'accept'
  if (origin.offset <= last) return 'skip'
  return origin.previous === last ? 'accept' : 'gap'
}
