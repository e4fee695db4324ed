/** Dead letters as they are written: the events as the stage read them, with who could not treat them. */
import {
  type Batch,
  DEAD_LETTER_BYTES,
  DEAD_LETTER_CODE,
  DEAD_LETTER_DETAIL,
  DEAD_LETTER_STAGE,
  DEAD_LETTER_VERSION,
  type Origin,
  positionAt,
  selectEvents,
  withColumns,
} from '../batch/batch.ts'
import { constantText } from '../batch/column.ts'
import type { Carrier, Unreadable } from '../stage/topic.ts'
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

/** The code of records that cannot be read. */
export const UNREADABLE = 'unreadable'

/**
 * A record of which only the bytes are there: one event, at the record's place.
 * @param at where it stands, and when it was written; of whose it is, as far as it says
 */
export function unreadableLetter(
  reader: { readonly name: string },
  at: Pick<Carrier, 'origin' | 'receivedAt'> & Partial<Pick<Batch, 'projectId' | 'signal' | 'raw'>>,
  { bytes, detail }: Unreadable,
): Batch {
  const { origin, receivedAt, projectId = '', signal = 'logs' } = at
  const empty = emptyBatch(origin, receivedAt)
  return withColumns({ ...empty, projectId, signal, raw: at.raw ?? empty.raw, eventCount: 1 }, [
    [DEAD_LETTER_CODE, constantText('text', UNREADABLE, 1)],
    [DEAD_LETTER_DETAIL, constantText('text', detail, 1)],
    [DEAD_LETTER_STAGE, constantText('text', reader.name, 1)],
    [DEAD_LETTER_VERSION, constantText('text', VERSION, 1)],
    [DEAD_LETTER_BYTES, constantText('bytes', bytes, 1)],
  ])
}

/** A tick: nobody's, it carries a place in the order and time. @param receivedAt microseconds since 1970 */
export function emptyBatch(origin: Origin, receivedAt: number): Batch {
  const { log, topic, partition, offset } = origin
  return {
    ...{ contract: 0, projectId: '', signal: 'logs', receivedAt, eventCount: 0, receivedBytes: 0, origin },
    ...{ raw: { log, topic, partition, offset }, outcomes: new Map(), columns: new Map() },
  }
}
