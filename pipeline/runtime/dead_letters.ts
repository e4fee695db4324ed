/** Dead letters as they are written: the events as the stage read them, with who could not treat them. */
import {
  type Batch,
  DEAD_LETTER_CODE,
  DEAD_LETTER_DETAIL,
  DEAD_LETTER_STAGE,
  DEAD_LETTER_VERSION,
  positionAt,
  selectEvents,
  withColumns,
} from '../batch/batch.ts'
import { constantText } from '../batch/column.ts'
import type { Carrier } from '../stage/topic.ts'
import { VERSION } from '../version.ts'

/**
 * @param reader stage or sink
 * @param read what it had been given: a stage of several steps rejects events that it has changed already, and what is to
 *   be tried again is what it read
 * @param rejected a batch with the columns `dead_letter.code` and `dead_letter.detail`
 */
export function deadLettersOf(reader: { readonly name: string }, read: Carrier, rejected: Batch): Batch {
  const rows = rejected.eventCount
  return withColumns({ ...asRead(read, rejected), outcomes: new Map() }, [
    [DEAD_LETTER_CODE, rejected.columns.get(DEAD_LETTER_CODE)!],
    [DEAD_LETTER_DETAIL, rejected.columns.get(DEAD_LETTER_DETAIL)!],
    [DEAD_LETTER_STAGE, constantText('text', reader.name, rows)],
    [DEAD_LETTER_VERSION, constantText('text', VERSION, rows)],
  ])
}

/** By their positions. Those of what is no batch of events yet, and events of the stage's own making, are as it gave them. */
function asRead(read: Carrier, rejected: Batch): Batch {
  if (!('columns' in read)) return rejected
  const batch = read as Batch
  const rowOf = new Map(Array.from({ length: batch.eventCount }, (_, row) => [positionAt(batch, row), row]))
  const rows = Array.from({ length: rejected.eventCount }, (_, row) => rowOf.get(positionAt(rejected, row)))
  return rows.includes(undefined) ? rejected : selectEvents(batch, rows as number[])
}
