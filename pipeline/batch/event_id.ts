/**
 * Event ids: UUIDv8 (RFC 9562 §5.8) made of where the event was received, so that a rebuild gives the same ids,
 * ids sort by time, and an id points at the bytes received.
 *
 * The 122 free bits, most significant first:
 * received time in ms 48 | log 8 of 12 … in wire order:
 * `time:48 | version:4 | log:8 | signal:2 | partition(high):2 | variant:2 | partition(low):10 | offset:36 | position:16`
 */
import { type Batch, positionAt, SIGNALS, type Signal } from './batch.ts'

export const MAX_PARTITION = 2 ** 12 - 1
export const MAX_OFFSET = 2 ** 36 - 1
export const MAX_POSITION = 2 ** 16 - 1

/** What an id is made of. `log` is the first byte of the log's id. */
export interface EventPlace {
  /** Milliseconds since 1970. */
  readonly receivedMs: number
  readonly log: number
  readonly signal: Signal
  readonly partition: number
  readonly offset: number
  readonly position: number
}

/** Writes ids of a batch; the part that all its events share is made once. */
export function eventIds(batch: Batch): (row: number) => string {
  const prefix = idPrefix({
    receivedMs: Math.floor(batch.receivedAt / 1000),
    log: logByte(batch.raw.log),
    signal: batch.signal,
    partition: batch.raw.partition,
    offset: batch.raw.offset,
  })
  return (row) => prefix + hex(positionAt(batch, row), 4)
}

/** @throws RangeError where a part does not fit its bits */
export function eventId(place: EventPlace): string {
  if (!(place.position >= 0 && place.position <= MAX_POSITION)) throw new RangeError(`position ${place.position}`)
  return idPrefix(place) + hex(place.position, 4)
}

/** The place an id was made of. @throws RangeError where the text is no id of ours */
export function eventPlace(id: string): EventPlace {
  const digits = id.replaceAll('-', '').toLowerCase()
  if (!/^[0-9a-f]{12}8[0-9a-f]{3}[89ab][0-9a-f]{15}$/.test(digits)) throw new RangeError(`${id} is not an event id`)
  const middle = Number.parseInt(digits.slice(13, 16), 16)
  const group = Number.parseInt(digits.slice(16, 20), 16)
  return {
    receivedMs: Number.parseInt(digits.slice(0, 12), 16),
    log: middle >> 4,
    signal: SIGNALS[(middle >> 2) & 3] ?? 'logs',
    partition: ((middle & 3) << 10) | ((group & 0x3fff) >> 4),
    offset: (group & 0xf) * 2 ** 32 + Number.parseInt(digits.slice(20, 28), 16),
    position: Number.parseInt(digits.slice(28), 16),
  }
}

/** The eight bits of a log id (a UUID) that go into event ids. */
export function logByte(log: string): number {
  const byte = Number.parseInt(log.slice(0, 2), 16)
  return Number.isNaN(byte) ? 0 : byte
}

function idPrefix(place: Omit<EventPlace, 'position'>): string {
  const { receivedMs, log, signal, partition, offset } = place
  if (!(partition >= 0 && partition <= MAX_PARTITION))
    throw new RangeError(`partition ${partition} over ${MAX_PARTITION}`)
  if (!(offset >= 0 && offset <= MAX_OFFSET)) throw new RangeError(`offset ${offset} over ${MAX_OFFSET}`)
  const time = hex(receivedMs, 12)
  const middle = hex((log << 4) | (SIGNALS.indexOf(signal) << 2) | (partition >> 10), 3)
  const group = hex(0x8000 | ((partition & 0x3ff) << 4) | Math.floor(offset / 2 ** 32), 4)
  const low = hex(offset % 2 ** 32, 8)
  return `${time.slice(0, 8)}-${time.slice(8)}-8${middle}-${group}-${low}`
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
