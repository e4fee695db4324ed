/** What the readers of the three signals have in common. */
import type { DictionaryBuilder, LongBuilder } from '#pipeline/batch/builder.ts'
import type { ColumnSet } from '#pipeline/batch/column_set.ts'
import { grown } from '#pipeline/batch/grown.ts'
import { JsonWriter, writeHex } from './json_writer.ts'
import type { WireReader } from './wire.ts'
import type { AttributeColumns } from './wire_attributes.ts'
import type { ExactColumn } from './wire_exact.ts'

/** Where events go, whatever the signal. */
export interface EventColumns {
  readonly columns: ColumnSet
  readonly attributes: AttributeColumns
  readonly exact: ExactColumn
}

/** Rows `first` to `end` (exclusive), at least one. */
export interface RowRange {
  readonly first: number
  readonly end: number
}

/** Takes the events of an item as they are found. */
export interface EventSink {
  /** The row that the next event will get. */
  readonly count: number
  /** An event's message begins at the reader's place and ends at `end`; the reader is there afterwards. */
  event(reader: WireReader, end: number): void
}

export interface SignalReader {
  /** Receiver's time for events without one, microseconds since 1970. */
  receivedAt: number
  /** Reads an item of a scope (a LogRecord, a Span, a Metric) and gives each event in it to the sink. */
  item(reader: WireReader, end: number, sink: EventSink): void
  /** Reads an event into a row. @throws WireError, with the row half set */
  event(reader: WireReader, end: number, row: number): void
  /** Notes the resource or scope (its message is `from` to `to`) as part of what the rows' events are about. */
  identify?(message: 'resource' | 'scope', reader: WireReader, from: number, to: number, rows: RowRange): void
  /** Ends the columns at this many rows. */
  finish?(rows: number): void
}

/** All values of the lowest byte of a span's or a log's flags, as W3C Trace Context writes them. */
export const TRACE_FLAGS: readonly string[] = Array.from({ length: 256 }, (_, flags) =>
  flags.toString(16).padStart(2, '0'),
)

/** Reads a string field: sets the row to it unless it is empty, proto3's way to say it is not there. */
export function setString(builder: DictionaryBuilder, reader: WireReader, limit: number, row: number): void {
  const end = reader.lengthEnd(limit)
  if (end > reader.at) builder.set(row, reader.bytes, reader.at, end)
  reader.at = end
}

/** As {@link setString}, for several rows. */
export function setStringRange(builder: DictionaryBuilder, reader: WireReader, limit: number, rows: RowRange): void {
  setString(builder, reader, limit, rows.first)
  if (builder.rows === rows.first + 1) builder.repeat(rows.first, rows.end)
}

/** Sets the row to a number unless it is 0, proto3's way to say it is not there. */
export function setNumber(builder: LongBuilder, row: number, value: number): void {
  if (value !== 0) builder.setNumber(row, value)
}

/** Names longer than this are cut; the whole one is then in `otlp_exact`. */
export const MAX_NAME_CHARACTERS = 500

/** Reads a name that may have to be cut. */
export function setName(to: EventColumns, builder: DictionaryBuilder, reader: WireReader, limit: number, row: number) {
  const end = reader.lengthEnd(limit)
  const cut = nameEnd(reader.bytes, reader.at, end)
  if (cut > reader.at) builder.set(row, reader.bytes, reader.at, cut)
  if (cut < end) {
    const json = new JsonWriter()
    json.string(reader.bytes, reader.at, end)
    to.exact.add(row, 'name', json.text())
  }
  reader.at = end
}

/** `end`, or where the 501st character of the name that starts at `from` begins. */
function nameEnd(bytes: Uint8Array, from: number, end: number): number {
  if (end - from <= MAX_NAME_CHARACTERS) return end
  let characters = 0
  for (let at = from; at < end; at++) {
    const startsCharacter = (bytes[at] & 0xc0) !== 0x80
    if (startsCharacter && ++characters > MAX_NAME_CHARACTERS) return at
  }
  return end
}

/** Ids: bytes that become lower-case hex. */
export class IdReader {
  #digits = new Uint8Array(64)
  #size = 0

  /** Reads the field's bytes; false where there are none. */
  read(reader: WireReader, limit: number): boolean {
    const end = reader.lengthEnd(limit)
    const size = (end - reader.at) * 2
    if (size > this.#digits.length) this.#digits = grown(this.#digits, size)
    this.#size = writeHex(this.#digits, 0, reader.bytes, reader.at, end)
    reader.at = end
    return size > 0
  }

  /** Sets the row to the id read last, unless there was none. */
  set(builder: DictionaryBuilder, row: number): void {
    if (this.#size > 0) builder.set(row, this.#digits, 0, this.#size)
  }
}
