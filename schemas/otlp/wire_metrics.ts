/** Metric (opentelemetry-proto `metrics.proto`) from the wire into columns, one row a data point. */
import type { DictionaryBuilder } from '#pipeline/batch/builder.ts'
import { JsonWriter } from './json_writer.ts'
import type { WireReader } from './wire.ts'
import { writeExactEntries, writePlainObject } from './wire_json.ts'
import { FIELDS, type Fields } from './wire_point_fields.ts'
import { PointReader } from './wire_points.ts'
import { PART, SeriesIds } from './wire_series.ts'
import { type EventColumns, type EventSink, type RowRange, type SignalReader, setStringRange } from './wire_signal.ts'

const TYPES = ['GAUGE', 'SUM', 'HISTOGRAM', 'EXPONENTIAL_HISTOGRAM', 'SUMMARY'] as const
type MetricType = (typeof TYPES)[number]

/** By the tag of the data's field in Metric. */
const TYPE_OF_TAG: Readonly<Record<number, MetricType>> = {
  42: 'GAUGE', // gauge = 5
  58: 'SUM', // sum = 7
  74: 'HISTOGRAM', // histogram = 9
  82: 'EXPONENTIAL_HISTOGRAM', // exponential_histogram = 10
  90: 'SUMMARY', // summary = 11
}
const TYPE_BYTES = TYPES.map((type) => new TextEncoder().encode(type))

/** By AggregationTemporality. */
const TEMPORALITIES = ['UNSPECIFIED', 'DELTA', 'CUMULATIVE']

const METADATA = 0x62

export class MetricReader implements SignalReader {
  readonly #to: EventColumns
  readonly #points: PointReader
  readonly #series: SeriesIds
  readonly #name
  readonly #description
  readonly #unit
  readonly #type
  readonly #temporality
  readonly #monotonic
  readonly #metadata
  readonly #dropped
  readonly #json = new JsonWriter()
  /** Of the data points being read. */
  #fields: Fields = FIELDS.GAUGE

  constructor(to: EventColumns) {
    const { columns } = to
    this.#to = to
    this.#series = new SeriesIds(columns.text('series_id'))
    this.#points = new PointReader(to, this.#series)
    this.#name = columns.text('metric_name')
    this.#description = columns.text('metric_description')
    this.#unit = columns.text('metric_unit')
    this.#type = columns.choice('metric_type', TYPES)
    this.#temporality = columns.choice('aggregation_temporality', TEMPORALITIES)
    this.#monotonic = columns.boolean('is_monotonic')
    this.#metadata = columns.json('metric_metadata')
    this.#dropped = columns.long('dropped_attributes_count')
  }

  set receivedAt(micros: number) {
    this.#points.receivedAt = micros
  }

  item(reader: WireReader, end: number, sink: EventSink): void {
    const start = reader.at
    const first = sink.count
    while (reader.at < end) {
      const tag = reader.tag()
      const type = TYPE_OF_TAG[tag]
      if (type === undefined) reader.skip(tag, end)
      else this.#readData(reader, reader.lengthEnd(end), type, sink)
    }
    reader.expect(end)
    if (sink.count > first) this.#describe(reader, start, end, { first, end: sink.count })
  }

  event(reader: WireReader, end: number, row: number): void {
    this.#points.read(reader, end, row, this.#fields)
  }

  identify(message: 'resource' | 'scope', reader: WireReader, from: number, to: number, rows: RowRange): void {
    for (reader.at = from; reader.at < to; ) {
      const tag = reader.tag()
      const part = (message === 'resource' ? RESOURCE_PARTS : SCOPE_PARTS)[tag]
      if (part === undefined) {
        reader.skip(tag, to)
        continue
      }
      const end = reader.lengthEnd(to)
      if (end > reader.at) this.#series.add(rows, part, reader.bytes, reader.at, end)
      reader.at = end
    }
  }

  finish(rows: number): void {
    this.#series.finish(rows)
  }

  /** Gauge, Sum and their like: data_points = 1, aggregation_temporality = 2, is_monotonic = 3. */
  #readData(reader: WireReader, end: number, type: MetricType, sink: EventSink): void {
    const first = sink.count
    let temporality = 0
    let monotonic = false
    this.#fields = FIELDS[type]
    while (reader.at < end) {
      const tag = reader.tag()
      if (tag === 0x0a) sink.event(reader, reader.lengthEnd(end))
      else if (tag === 0x10) temporality = reader.int32()
      else if (tag === 0x18) monotonic = reader.uint32() !== 0
      else reader.skip(tag, end)
    }
    reader.expect(end)
    const rows = { first, end: sink.count }
    if (rows.end === first) return
    const typeIndex = TYPES.indexOf(type)
    this.#type.set(first, typeIndex)
    this.#type.repeat(first, rows.end)
    this.#series.add(rows, PART.type, TYPE_BYTES[typeIndex], 0, TYPE_BYTES[typeIndex].length)
    if (type === 'SUM') {
      this.#monotonic.set(first, monotonic)
      this.#monotonic.repeat(first, rows.end)
    }
    if (type !== 'GAUGE' && type !== 'SUMMARY') this.#setTemporality(temporality, rows)
  }

  #setTemporality(temporality: number, rows: RowRange): void {
    const known = temporality >= 0 && temporality < TEMPORALITIES.length
    this.#temporality.set(rows.first, known ? temporality : 0)
    this.#temporality.repeat(rows.first, rows.end)
    if (!known) this.#to.exact.addRange(rows.first, rows.end, 'aggregationTemporality', String(temporality))
  }

  /** What the metric says of all its points. */
  #describe(reader: WireReader, start: number, end: number, rows: RowRange): void {
    let hasMetadata = false
    // The table has no null for these two; data points have no count of dropped attributes.
    this.#unit.setText(rows.first, '')
    this.#unit.repeat(rows.first, rows.end)
    this.#name.setText(rows.first, '')
    this.#name.repeat(rows.first, rows.end)
    this.#dropped.setNumber(rows.first, 0)
    this.#dropped.repeat(rows.first, rows.end)
    for (reader.at = start; reader.at < end; ) {
      const tag = reader.tag()
      switch (tag) {
        case 0x0a: // name = 1
          this.#identifyString(reader, end, rows, PART.name, this.#name)
          break
        case 0x12: // description = 2
          setStringRange(this.#description, reader, end, rows)
          break
        case 0x1a: // unit = 3
          this.#identifyString(reader, end, rows, PART.unit, this.#unit)
          break
        case METADATA:
          hasMetadata = true
          reader.at = reader.lengthEnd(end)
          break
        default:
          reader.skip(tag, end)
      }
    }
    if (hasMetadata) this.#readMetadata(reader, start, end, rows)
    reader.at = end
  }

  #identifyString(reader: WireReader, limit: number, rows: RowRange, part: number, builder: DictionaryBuilder): void {
    const end = reader.lengthEnd(limit)
    if (end > reader.at) {
      this.#series.add(rows, part, reader.bytes, reader.at, end)
      builder.fill(rows.first, rows.end, builder.entry(reader.bytes, reader.at, end))
    }
    reader.at = end
  }

  #readMetadata(reader: WireReader, start: number, end: number, rows: RowRange): void {
    const json = this.#json
    json.reset()
    const complete = writePlainObject(json, reader, start, end, METADATA)
    this.#metadata.set(rows.first, json.bytes, 0, json.size)
    this.#metadata.repeat(rows.first, rows.end)
    if (complete) return
    json.reset()
    writeExactEntries(json, reader, start, end, METADATA)
    this.#to.exact.addRange(rows.first, rows.end, 'metadata', json.text())
  }
}

const RESOURCE_PARTS: Readonly<Record<number, number>> = { 10: PART.resource }
const SCOPE_PARTS: Readonly<Record<number, number>> = { 10: PART.scopeName, 18: PART.scopeVersion, 26: PART.scope }
