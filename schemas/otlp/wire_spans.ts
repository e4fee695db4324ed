/** Span (opentelemetry-proto `trace.proto`) from the wire into columns. */
import { ERROR_LEVEL, LEVELS } from './level.ts'
import type { WireReader } from './wire.ts'
import {
  type EventColumns,
  type EventSink,
  IdReader,
  type SignalReader,
  setName,
  setNumber,
  setString,
  TRACE_FLAGS,
} from './wire_signal.ts'
import { SpanEventsWriter, SpanLinksWriter } from './wire_span_parts.ts'
import { nanosBetween, TimeColumns } from './wire_time.ts'

const ATTRIBUTES = 0x4a
const EVENTS = 0x5a
const LINKS = 0x6a

/** By SpanKind; unspecified counts as internal. */
const KINDS = ['internal', 'internal', 'server', 'client', 'producer', 'consumer']
/** By StatusCode. */
const STATUS_CODES = ['UNSET', 'OK', 'ERROR']
const STATUS_ERROR = 2

/** Bits of a span's flags: whether it is known if the parent is remote, and whether it is. */
const HAS_IS_REMOTE = 0x100
const IS_REMOTE = 0x200

export class SpanReader implements SignalReader {
  receivedAt = 0
  readonly #to: EventColumns
  readonly #timestamp
  readonly #end
  readonly #duration
  readonly #name
  readonly #kind
  readonly #level
  readonly #statusCode
  readonly #statusMessage
  readonly #traceId
  readonly #spanId
  readonly #parentId
  readonly #traceState
  readonly #traceFlags
  readonly #isRemote
  readonly #flags
  readonly #droppedAttributes
  readonly #droppedEvents
  readonly #droppedLinks
  readonly #size
  readonly #events
  readonly #links
  readonly #id = new IdReader()

  constructor(to: EventColumns) {
    const { columns } = to
    this.#to = to
    this.#timestamp = new TimeColumns(columns, 'timestamp', 'timestamp_nanos')
    this.#end = new TimeColumns(columns, 'end_time', 'end_nanos')
    this.#duration = columns.long('duration')
    this.#name = columns.text('name')
    this.#kind = columns.choice('kind', KINDS)
    this.#level = columns.choice('level', LEVELS)
    this.#statusCode = columns.choice('status_code', STATUS_CODES)
    this.#statusMessage = columns.text('status_message')
    this.#traceId = columns.text('context___trace_id')
    this.#spanId = columns.text('context___span_id')
    this.#parentId = columns.text('parent_id')
    this.#traceState = columns.text('context___trace_state')
    this.#traceFlags = columns.choice('context___trace_flags', TRACE_FLAGS)
    this.#isRemote = columns.boolean('context___is_remote')
    this.#flags = columns.long('flags')
    this.#droppedAttributes = columns.long('dropped_attributes_count')
    this.#droppedEvents = columns.long('dropped_events_count')
    this.#droppedLinks = columns.long('dropped_links_count')
    this.#size = columns.long('message_size_bytes')
    this.#events = new SpanEventsWriter(columns.json('events'), to.exact)
    this.#links = new SpanLinksWriter(columns.text('links'), to.exact)
  }

  item(reader: WireReader, end: number, sink: EventSink): void {
    sink.event(reader, end)
  }

  event(reader: WireReader, end: number, row: number): void {
    const { attributes, exact } = this.#to
    const start = reader.at
    let startLow = 0
    let startHigh = 0
    let endLow = 0
    let endHigh = 0
    let kind = 0
    let statusCode = 0
    let flags = 0
    let events = 0
    let links = 0
    attributes.beginRow()
    while (reader.at < end) {
      const tag = reader.tag()
      switch (tag) {
        case 0x0a: // trace_id = 1
          this.#id.read(reader, end)
          this.#id.set(this.#traceId, row)
          break
        case 0x12: // span_id = 2
          this.#id.read(reader, end)
          this.#id.set(this.#spanId, row)
          break
        case 0x1a: // trace_state = 3
          setString(this.#traceState, reader, end, row)
          break
        case 0x22: // parent_span_id = 4
          this.#id.read(reader, end)
          this.#id.set(this.#parentId, row)
          break
        case 0x2a: // name = 5
          setName(this.#to, this.#name, reader, end, row)
          break
        case 0x30: // kind = 6
          kind = reader.int32()
          break
        case 0x39: // start_time_unix_nano = 7
          reader.fixed64()
          startLow = reader.low
          startHigh = reader.high
          break
        case 0x41: // end_time_unix_nano = 8
          reader.fixed64()
          endLow = reader.low
          endHigh = reader.high
          break
        case ATTRIBUTES:
          attributes.read(reader, reader.lengthEnd(end), row)
          break
        case 0x50: // dropped_attributes_count = 10
          setNumber(this.#droppedAttributes, row, reader.uint32())
          break
        case EVENTS:
          events++
          reader.at = reader.lengthEnd(end)
          break
        case 0x60: // dropped_events_count = 12
          setNumber(this.#droppedEvents, row, reader.uint32())
          break
        case LINKS:
          links++
          reader.at = reader.lengthEnd(end)
          break
        case 0x70: // dropped_links_count = 14
          setNumber(this.#droppedLinks, row, reader.uint32())
          break
        case 0x7a: // status = 15
          statusCode = this.#readStatus(reader, reader.lengthEnd(end), row)
          break
        case 0x85: // flags = 16
          flags = reader.fixed32()
          break
        default:
          reader.skip(tag, end)
      }
    }
    reader.expect(end)
    attributes.endRow(row)
    this.#setTimes(row, startLow, startHigh, endLow, endHigh)
    this.#kind.set(row, kind > 0 && kind < KINDS.length ? kind : 0)
    if (!(kind > 0 && kind < KINDS.length)) exact.add(row, 'kind', String(kind))
    this.#statusCode.set(row, statusCode > 0 && statusCode < STATUS_CODES.length ? statusCode : 0)
    if (!(statusCode >= 0 && statusCode < STATUS_CODES.length)) exact.add(row, 'statusCode', String(statusCode))
    if (statusCode === STATUS_ERROR) this.#level.set(row, ERROR_LEVEL)
    setNumber(this.#flags, row, flags)
    this.#traceFlags.set(row, flags & 0xff)
    if ((flags & HAS_IS_REMOTE) !== 0) this.#isRemote.set(row, (flags & IS_REMOTE) !== 0)
    this.#size.setNumber(row, end - start)
    if (events > 0) this.#events.write(reader, start, end, EVENTS, row)
    if (links > 0) this.#links.write(reader, start, end, LINKS, row)
    if (attributes.lossy) exact.add(row, 'attributes', attributes.exact(reader, start, end, ATTRIBUTES, row))
    reader.at = end
  }

  /** A span without a start gets the received time as its timestamp, and no duration. */
  #setTimes(row: number, startLow: number, startHigh: number, endLow: number, endHigh: number): void {
    const hasStart = startLow !== 0 || startHigh !== 0
    const hasEnd = endLow !== 0 || endHigh !== 0
    if (hasEnd) this.#end.set(row, endLow, endHigh)
    if (hasStart) {
      this.#timestamp.set(row, startLow, startHigh)
      if (hasEnd) nanosBetween(this.#duration, row, startLow, startHigh, endLow, endHigh)
    } else {
      this.#timestamp.setMicros(row, this.receivedAt)
      this.#to.exact.add(row, 'time', '"0"')
    }
  }

  #readStatus(reader: WireReader, end: number, row: number): number {
    let code = 0
    while (reader.at < end) {
      const tag = reader.tag()
      if (tag === 0x12)
        setString(this.#statusMessage, reader, end, row) // message = 2
      else if (tag === 0x18)
        code = reader.int32() // code = 3
      else reader.skip(tag, end)
    }
    reader.expect(end)
    return code
  }
}
