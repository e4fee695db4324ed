/** Reads one partition of a topic, one value at a time, each once and in order. */
import { InvariantError, OperatorError } from '../errors/errors.ts'
import type { EventLog, LogRecord, Position } from '../log/log.ts'
import type { Carrier, Topic } from '../stage/topic.ts'
import { admit } from './admission.ts'
import type { Handover } from './handover.ts'

const PAGE_BYTES = 1 << 20

export interface Delivery<T> {
  readonly value: T
  /** Where the reader stands after this value. */
  readonly position: Position
}

export interface Source<T> {
  /** The next value; waits for it. `null` once `stop` is aborted. */
  next(stop: AbortSignal): Promise<Delivery<T> | null>
}

/** Where to begin; with an empty `reached`, at a record whose predecessors do not matter. */
export type Start = Pick<Position, 'offset' | 'reached' | 'log'>

export interface SourceOptions<T extends Carrier> {
  readonly log: EventLog
  readonly topic: Topic<T>
  readonly partition: number
  /** Where to begin; `null` is the first record there is. */
  readonly position: Start | null
  /** Who reads, for messages. */
  readonly reader: string
  readonly handover: Handover
}

/**
 * @throws OperatorError where the position belongs to another log or lies outside of what the log holds: going on
 *   would lose or repeat events, so a person has to decide
 */
export async function createSource<T extends Carrier>(options: SourceOptions<T>): Promise<Source<T>> {
  const { log, topic, partition, position, reader, handover } = options
  const bounds = await log.bounds(topic.name, partition)
  if (position !== null) checkStart(position, bounds, log.id, `${topic.name}/${partition}`, reader)
  let offset = position?.offset ?? bounds.begin
  let reached = position?.reached ?? {}
  let page: readonly LogRecord[] = []

  function valueAt(stop: AbortSignal): Promise<T | null> | T | null {
    const handed = handover.get(topic.name, partition, offset)
    if (handed !== undefined) {
      page = []
      return handed as T
    }
    const record = page[0]?.offset === offset ? page[0] : undefined
    if (record === undefined) return readPage(stop)
    page = page.slice(1)
    return decode(record)
  }

  async function readPage(stop: AbortSignal): Promise<T | null> {
    for (;;) {
      if (stop.aborted) return null
      page = await log.read(topic.name, partition, offset, { maxBytes: PAGE_BYTES })
      if (page.length > 0) {
        // Offsets may have holes (compaction, control records): the next record is wherever it is.
        offset = page[0].offset
        const record = page[0]
        page = page.slice(1)
        return decode(record)
      }
      await log.waitFor(topic.name, partition, offset, stop)
    }
  }

  function decode(record: LogRecord): T {
    const place = {
      log: log.id,
      topic: topic.name,
      partition,
      offset: record.offset,
      previous: reached[partition] ?? -1,
    }
    try {
      return topic.codec.decode(record.value, place)
    } catch (cause) {
      throw new InvariantError(
        `${topic.name}/${partition}@${record.offset} cannot be read: ${(cause as Error).message}`,
        { cause },
      )
    }
  }

  return {
    async next(stop) {
      for (;;) {
        if (stop.aborted) return null
        const value = await valueAt(stop)
        if (value === null) return null
        const at = offset
        offset++
        const { origin } = value
        const admission = admit(reached, origin)
        if (admission === 'skip') continue
        if (admission === 'gap') {
          throw new InvariantError(
            `${reader} stands at origin ${reached[origin.partition]} of ${topic.name}/${partition} (source partition ` +
              `${origin.partition}), but the record at ${at} follows origin ${origin.previous}: records are missing in between`,
          )
        }
        reached = { ...reached, [origin.partition]: origin.offset }
        return { value, position: { topic: topic.name, partition, offset, reached, log: log.id } }
      }
    },
  }
}

function checkStart(
  position: Start,
  bounds: { readonly begin: number; readonly end: number },
  log: string,
  where: string,
  reader: string,
): void {
  if (position.log !== log) {
    throw new OperatorError(
      `${reader} stands in another log (${position.log}) than this one (${log}). Point millrace back to its log, or ` +
        `stop it and start the reader afresh with: millrace groups reset ${reader}`,
    )
  }
  if (position.offset > bounds.end) {
    throw new OperatorError(
      `${reader} has read ${where} up to ${position.offset}, but the log ends at ${bounds.end}: it was restored or replaced. ` +
        `Bring the right log back, or stop millrace and start the reader afresh with: millrace groups reset ${reader}`,
    )
  }
  if (position.offset < bounds.begin) {
    throw new OperatorError(
      `${reader} has read ${where} up to ${position.offset}, but the log begins at ${bounds.begin}: ` +
        `${bounds.begin - position.offset} records were trimmed unread. To go on without them, stop millrace and run: millrace groups reset ${reader}`,
    )
  }
}
