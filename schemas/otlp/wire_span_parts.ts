/** A span's events and links (opentelemetry-proto `trace.proto`) as JSON arrays, in the spelling that SQL expects. */
import type { DictionaryBuilder } from '#pipeline/batch/builder.ts'
import { JsonWriter } from './json_writer.ts'
import type { WireReader } from './wire.ts'
import { type PartWriter, writeArray } from './wire_array.ts'
import type { ExactColumn } from './wire_exact.ts'
import { writeExactEntries, writePlainObject } from './wire_json.ts'
import { isoNanos } from './wire_time.ts'

/** Writes an array of parts into its column, and into `otlp_exact` where plain JSON does not say it all. */
class PartsWriter {
  readonly #builder: DictionaryBuilder
  readonly #exact: ExactColumn
  readonly #member: string
  readonly #plain: PartWriter
  readonly #precise: PartWriter
  readonly #json = new JsonWriter()

  constructor(builder: DictionaryBuilder, exact: ExactColumn, member: string, plain: PartWriter, precise: PartWriter) {
    this.#builder = builder
    this.#exact = exact
    this.#member = member
    this.#plain = plain
    this.#precise = precise
  }

  /** @param tag of the parts in the span's message, which is `from` to `to` */
  write(reader: WireReader, from: number, to: number, tag: number, row: number): void {
    const json = this.#json
    const complete = writeArray(json, this.#plain, reader, from, to, tag)
    this.#builder.set(row, json.bytes, 0, json.size)
    if (complete) return
    writeArray(json, this.#precise, reader, from, to, tag)
    this.#exact.add(row, this.#member, json.text())
  }
}

export class SpanEventsWriter extends PartsWriter {
  constructor(builder: DictionaryBuilder, exact: ExactColumn) {
    super(
      builder,
      exact,
      'events',
      (json, reader, end) => {
        const start = reader.at
        const event = readEvent(reader, end)
        json.raw('{"event_name":')
        json.string(reader.bytes, event.nameFrom, event.nameTo)
        json.raw(`,"event_time":"${isoNanos(event.timeLow, event.timeHigh)}","event_attributes":`)
        const complete = writePlainObject(json, reader, start, end, EVENT_ATTRIBUTES)
        json.raw(`,"event_dropped_attributes_count":${event.dropped}}`)
        return complete
      },
      (json, reader, end) => {
        const start = reader.at
        const event = readEvent(reader, end)
        json.raw('{"timeUnixNano":"')
        json.uint64(event.timeLow, event.timeHigh)
        json.raw('","name":')
        json.string(reader.bytes, event.nameFrom, event.nameTo)
        json.raw(',"attributes":')
        writeExactEntries(json, reader, start, end, EVENT_ATTRIBUTES)
        json.raw(`,"droppedAttributesCount":${event.dropped}}`)
        return true
      },
    )
  }
}

export class SpanLinksWriter extends PartsWriter {
  constructor(builder: DictionaryBuilder, exact: ExactColumn) {
    super(
      builder,
      exact,
      'links',
      (json, reader, end) => {
        const start = reader.at
        const link = readLink(reader, end)
        json.raw('{"link_trace_id":')
        json.hex(reader.bytes, link.traceFrom, link.traceTo)
        json.raw(',"link_span_id":')
        json.hex(reader.bytes, link.spanFrom, link.spanTo)
        json.raw(',"link_trace_state":')
        json.string(reader.bytes, link.stateFrom, link.stateTo)
        json.raw(',"link_attributes":')
        const complete = writePlainObject(json, reader, start, end, LINK_ATTRIBUTES)
        json.raw(`,"link_dropped_attributes_count":${link.dropped},"link_flags":${link.flags}}`)
        return complete
      },
      (json, reader, end) => {
        const start = reader.at
        const link = readLink(reader, end)
        json.raw('{"traceId":')
        json.hex(reader.bytes, link.traceFrom, link.traceTo)
        json.raw(',"spanId":')
        json.hex(reader.bytes, link.spanFrom, link.spanTo)
        json.raw(',"traceState":')
        json.string(reader.bytes, link.stateFrom, link.stateTo)
        json.raw(',"attributes":')
        writeExactEntries(json, reader, start, end, LINK_ATTRIBUTES)
        json.raw(`,"droppedAttributesCount":${link.dropped},"flags":${link.flags}}`)
        return true
      },
    )
  }
}

const EVENT_ATTRIBUTES = 0x1a
const LINK_ATTRIBUTES = 0x22

function readEvent(reader: WireReader, end: number) {
  const event = { timeLow: 0, timeHigh: 0, nameFrom: 0, nameTo: 0, dropped: 0 }
  while (reader.at < end) {
    const tag = reader.tag()
    switch (tag) {
      case 0x09: // time_unix_nano = 1
        reader.fixed64()
        event.timeLow = reader.low
        event.timeHigh = reader.high
        break
      case 0x12: // name = 2
        event.nameTo = reader.lengthEnd(end)
        event.nameFrom = reader.at
        reader.at = event.nameTo
        break
      case 0x20: // dropped_attributes_count = 4
        event.dropped = reader.uint32()
        break
      default:
        reader.skip(tag, end)
    }
  }
  reader.expect(end)
  return event
}

function readLink(reader: WireReader, end: number) {
  const link = { traceFrom: 0, traceTo: 0, spanFrom: 0, spanTo: 0, stateFrom: 0, stateTo: 0, dropped: 0, flags: 0 }
  while (reader.at < end) {
    const tag = reader.tag()
    switch (tag) {
      case 0x0a: // trace_id = 1
        link.traceTo = reader.lengthEnd(end)
        link.traceFrom = reader.at
        reader.at = link.traceTo
        break
      case 0x12: // span_id = 2
        link.spanTo = reader.lengthEnd(end)
        link.spanFrom = reader.at
        reader.at = link.spanTo
        break
      case 0x1a: // trace_state = 3
        link.stateTo = reader.lengthEnd(end)
        link.stateFrom = reader.at
        reader.at = link.stateTo
        break
      case 0x28: // dropped_attributes_count = 5
        link.dropped = reader.uint32()
        break
      case 0x35: // flags = 6
        link.flags = reader.fixed32()
        break
      default:
        reader.skip(tag, end)
    }
  }
  reader.expect(end)
  return link
}
