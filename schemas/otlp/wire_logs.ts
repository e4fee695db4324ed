/** LogRecord (opentelemetry-proto `logs.proto`) from the wire into columns. */
import { JsonWriter } from './json_writer.ts'
import { LEVELS, levelOfNumber, levelOfText } from './level.ts'
import type { WireReader } from './wire.ts'
import { writeExact, writePlain } from './wire_json.ts'
import {
  type EventColumns,
  type EventSink,
  IdReader,
  type SignalReader,
  setName,
  setNumber,
  TRACE_FLAGS,
} from './wire_signal.ts'
import { TimeColumns } from './wire_time.ts'
import { Found, readValue, STRING, UNSET } from './wire_value.ts'

const ATTRIBUTES = 0x32

export class LogReader implements SignalReader {
  receivedAt = 0
  readonly #to: EventColumns
  readonly #timestamp
  readonly #observed
  readonly #severityNumber
  readonly #severityText
  readonly #level
  readonly #kind
  readonly #name
  readonly #body
  readonly #traceId
  readonly #spanId
  readonly #parentId
  readonly #traceFlags
  readonly #flags
  readonly #dropped
  readonly #size
  readonly #json = new JsonWriter()
  readonly #found = new Found()
  readonly #id = new IdReader()
  /** Level by severity text, so that each text is looked at once. */
  readonly #levels = new Map<number, number>()

  constructor(to: EventColumns) {
    const { columns } = to
    this.#to = to
    this.#timestamp = new TimeColumns(columns, 'timestamp', 'timestamp_nanos')
    this.#observed = new TimeColumns(columns, 'observed_timestamp', 'observed_nanos')
    this.#severityNumber = columns.long('severity___severity_number')
    this.#severityText = columns.text('severity___severity_text')
    this.#level = columns.choice('level', LEVELS)
    this.#kind = columns.choice('kind', ['log'])
    this.#name = columns.text('name')
    this.#body = columns.json('body')
    this.#traceId = columns.text('context___trace_id')
    this.#spanId = columns.text('context___span_id')
    this.#parentId = columns.text('parent_id')
    this.#traceFlags = columns.choice('context___trace_flags', TRACE_FLAGS)
    this.#flags = columns.long('flags')
    this.#dropped = columns.long('dropped_attributes_count')
    this.#size = columns.long('message_size_bytes')
  }

  item(reader: WireReader, end: number, sink: EventSink): void {
    sink.event(reader, end)
  }

  event(reader: WireReader, end: number, row: number): void {
    const { attributes } = this.#to
    const start = reader.at
    let timeLow = 0
    let timeHigh = 0
    let observedLow = 0
    let observedHigh = 0
    let severityNumber = 0
    let textLevel = -1
    let flags = 0
    let hasTrace = false
    attributes.beginRow()
    while (reader.at < end) {
      const tag = reader.tag()
      switch (tag) {
        case 0x09: // time_unix_nano = 1
          reader.fixed64()
          timeLow = reader.low
          timeHigh = reader.high
          break
        case 0x59: // observed_time_unix_nano = 11
          reader.fixed64()
          observedLow = reader.low
          observedHigh = reader.high
          break
        case 0x10: // severity_number = 2
          severityNumber = reader.int32()
          break
        case 0x1a: // severity_text = 3
          textLevel = this.#readSeverityText(reader, end, row)
          break
        case 0x2a: // body = 5
          this.#readBody(reader, reader.lengthEnd(end), row)
          break
        case ATTRIBUTES:
          attributes.read(reader, reader.lengthEnd(end), row)
          break
        case 0x38: // dropped_attributes_count = 7
          setNumber(this.#dropped, row, reader.uint32())
          break
        case 0x45: // flags = 8
          flags = reader.fixed32()
          break
        case 0x4a: // trace_id = 9
          hasTrace = this.#id.read(reader, end)
          this.#id.set(this.#traceId, row)
          break
        case 0x52: // span_id = 10
          this.#id.read(reader, end)
          this.#id.set(this.#spanId, row)
          this.#id.set(this.#parentId, row)
          break
        case 0x62: // event_name = 12
          setName(this.#to, this.#name, reader, end, row)
          break
        default:
          reader.skip(tag, end)
      }
    }
    reader.expect(end)
    attributes.endRow(row)
    this.#setTimes(row, timeLow, timeHigh, observedLow, observedHigh)
    setNumber(this.#severityNumber, row, severityNumber)
    const level = levelOfNumber(severityNumber)
    if (level >= 0) this.#level.set(row, level)
    else if (textLevel >= 0) this.#level.set(row, textLevel)
    setNumber(this.#flags, row, flags)
    if (hasTrace || flags !== 0) this.#traceFlags.set(row, flags & 0xff)
    this.#kind.set(row, 0)
    this.#size.setNumber(row, end - start)
    if (attributes.lossy) {
      this.#to.exact.add(row, 'attributes', attributes.exact(reader, start, end, ATTRIBUTES, row))
      reader.at = end
    }
  }

  /** A log without time takes its observed time, else the received time. */
  #setTimes(row: number, low: number, high: number, observedLow: number, observedHigh: number): void {
    const observed = observedLow !== 0 || observedHigh !== 0
    if (observed) this.#observed.set(row, observedLow, observedHigh)
    if (low !== 0 || high !== 0) {
      this.#timestamp.set(row, low, high)
      return
    }
    if (observed) this.#timestamp.set(row, observedLow, observedHigh)
    else this.#timestamp.setMicros(row, this.receivedAt)
    this.#to.exact.add(row, 'time', '"0"')
  }

  #readSeverityText(reader: WireReader, limit: number, row: number): number {
    const end = reader.lengthEnd(limit)
    if (end === reader.at) return -1
    const entry = this.#severityText.entry(reader.bytes, reader.at, end)
    this.#severityText.setEntry(row, entry)
    let level = this.#levels.get(entry)
    if (level === undefined) {
      level = levelOfText(Buffer.prototype.latin1Slice.call(reader.bytes, reader.at, end))
      this.#levels.set(entry, level)
    }
    reader.at = end
    return level
  }

  #readBody(reader: WireReader, end: number, row: number): void {
    const found = this.#found
    const json = this.#json
    readValue(reader, end, found)
    if (found.kind === UNSET) return
    json.reset()
    if (found.kind === STRING) {
      json.string(reader.bytes, found.from, found.to)
    } else if (!writePlain(json, reader, found)) {
      const exact = new JsonWriter()
      writeExact(exact, reader, found)
      this.#to.exact.add(row, 'body', exact.text())
    }
    this.#body.set(row, json.bytes, 0, json.size)
    reader.at = end
  }
}
