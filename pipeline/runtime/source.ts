/**
 * Reads one partition of a topic, one value at a time, each once and in order.
 *
 * A record that cannot be read stops nobody. In a source it keeps its place in the order: it comes as a value without
 * content. In any other topic nobody knows its origin: it is passed over. If it was written by somebody else, nothing is
 * missing; if it was one of ours, the record behind it follows an origin that was not met, and that stops the partition.
 */
import { InvariantError, OperatorError } from '../errors/errors.ts'
import type { EventLog, LogRecord, Position } from '../log/log.ts'
import type { Carrier, Topic, Unreadable } from '../stage/topic.ts'
import { admit } from './admission.ts'
import type { Handover } from './handover.ts'
import type { SchemaCheck } from './schema_check.ts'

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
  readonly log: Pick<EventLog, 'id' | 'bounds' | 'read' | 'waitFor'>
  readonly topic: Topic<T>
  readonly partition: number
  /** Where to begin; `null` is the first record there is. */
  readonly position: Start | null
  /** Who reads, for messages. */
  readonly reader: string
  readonly handover: Handover
  /**
   * Where a person has said that the reader goes on over records that were trimmed before it read them, once; told how
   * it did. What follows the gap is given as if it followed what was read before, so that readers behind this one go on, too.
   */
  readonly acceptGap?: ((what: string) => void) | undefined
  /** Says what is wrong with a record's schema; without it, only reading it tells. */
  readonly schemas?: SchemaCheck | undefined
  /** Keeps a record that is passed over, durably. Without it, it is another reader's to keep. */
  readonly aside?: ((record: LogRecord, unreadable: Unreadable) => Promise<void>) | undefined
}

/**
 * @throws OperatorError where the position belongs to another log or lies outside of what the log holds: going on
 *   would lose or repeat events, so a person has to decide
 */
export async function createSource<T extends Carrier>(options: SourceOptions<T>): Promise<Source<T>> {
  const { log, topic, partition, position, reader, handover, acceptGap } = options
  const where = `${topic.name}/${partition}`
  const bounds = await log.bounds(topic.name, partition)
  if (position !== null) checkStart(position, bounds, log.id, where, reader)
  let offset = position?.offset ?? bounds.begin
  let mayPassGap = acceptGap !== undefined
  if (offset < bounds.begin) {
    if (acceptGap === undefined) throw new OperatorError(trimmedUnread(offset, bounds.begin, where, reader))
    acceptGap(`${bounds.begin - offset} records of ${where} before ${bounds.begin}, trimmed unread`)
    offset = bounds.begin
  }
  let reached = position?.reached ?? {}
  let page: readonly LogRecord[] = []
  let passedOver: number | null = null
  type Read = { readonly value: T } | { readonly record: LogRecord; readonly unreadable: Unreadable }

  function valueAt(stop: AbortSignal): Promise<Read | null> | Read | null {
    const handed = handover.get(topic.name, partition, offset)
    if (handed !== undefined) {
      page = []
      return { value: handed as T }
    }
    const record = page[0]?.offset === offset ? page[0] : undefined
    if (record === undefined) return readPage(stop)
    page = page.slice(1)
    return decode(record)
  }

  async function readPage(stop: AbortSignal): Promise<Read | null> {
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

  function decode(record: LogRecord): Promise<Read> | Read {
    const fault = options.schemas?.(topic, record.value) ?? null
    return fault instanceof Promise ? fault.then((late) => decoded(record, late)) : decoded(record, fault)
  }

  /** @param fault of its schema, where there is one */
  function decoded(record: LogRecord, fault: string | null): Read {
    const place = {
      log: log.id,
      topic: topic.name,
      partition,
      offset: record.offset,
      previous: reached[partition] ?? -1,
    }
    const unreadable = (detail: string): Read => {
      const unreadable = { bytes: record.value, detail }
      if (!topic.source) return { record, unreadable }
      return {
        value: { origin: place, receivedAt: record.timestamp * 1000, eventCount: 0, unreadable } as Carrier as T,
      }
    }
    if (fault !== null) return unreadable(fault)
    try {
      return { value: topic.codec.decode(record.value, place, record) }
    } catch (cause) {
      return unreadable((cause as Error).message)
    }
  }

  return {
    async next(stop) {
      for (;;) {
        if (stop.aborted) return null
        const read = await valueAt(stop)
        if (read === null) return null
        const at = offset
        if ('record' in read) {
          await options.aside?.(read.record, read.unreadable)
          passedOver = at
          offset++
          continue
        }
        offset++
        const { value } = read
        const { origin } = value
        const admission = admit(reached, origin)
        if (admission === 'skip') continue
        const before = reached[origin.partition]
        if (admission === 'gap' && !mayPassGap) {
          const lost = passedOver === null ? '' : ` (that at ${passedOver} cannot be read: see ${topic.name}.dlq)`
          throw new InvariantError(
            `${reader} stands at origin ${before} of ${where} (source partition ${origin.partition}), but the record at ` +
              `${at} follows origin ${origin.previous}: records are missing in between${lost}. ` +
              howToGoOn(reader),
          )
        }
        reached = { ...reached, [origin.partition]: origin.offset }
        const delivery = { value, position: { topic: topic.name, partition, offset, reached, log: log.id } }
        if (admission !== 'gap') return delivery
        mayPassGap = false
        acceptGap?.(`origins ${before + 1} to ${origin.previous} of ${where}, missing before the record at ${at}`)
        return { ...delivery, value: { ...value, origin: { ...origin, previous: before } } }
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
}

function trimmedUnread(offset: number, begin: number, where: string, reader: string): string {
  return (
    `${reader} has read ${where} up to ${offset}, but the log begins at ${begin}: ${begin - offset} records were trimmed ` +
    `unread. ${howToGoOn(reader)}`
  )
}

function howToGoOn(reader: string): string {
  return `To go on without them, start once with: millrace start --accept-gap ${reader}`
}
