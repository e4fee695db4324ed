/** Data points (opentelemetry-proto `metrics.proto`) from the wire into columns. */
import type { LongBuilder } from '#pipeline/batch/builder.ts'
import { JsonWriter } from './json_writer.ts'
import { signedBigint, unsignedBigint, type WireReader } from './wire.ts'
import { writeExemplars } from './wire_exemplars.ts'
import { BucketsColumns, MAX_INT64, NumbersColumn } from './wire_numbers.ts'
import {
  AS_DOUBLE,
  AS_INT,
  ATTRIBUTE,
  BOUND,
  BOUNDS,
  BUCKET_COUNT,
  BUCKET_COUNTS,
  COUNT,
  EXEMPLAR,
  type Fields,
  FLAGS,
  MAX,
  MIN,
  NEGATIVE,
  POSITIVE,
  QUANTILE,
  SCALE,
  START,
  SUM,
  TIME,
  ZERO_COUNT,
  ZERO_THRESHOLD,
} from './wire_point_fields.ts'
import { PART, type SeriesIds } from './wire_series.ts'
import type { EventColumns } from './wire_signal.ts'
import { TimeColumns } from './wire_time.ts'

export class PointReader {
  /** For points without a time, microseconds since 1970. */
  receivedAt = 0
  readonly #to: EventColumns
  readonly #series: SeriesIds
  readonly #time
  readonly #start
  readonly #flags
  readonly #size
  readonly #value
  readonly #valueDouble
  readonly #valueInt
  readonly #count
  readonly #sum
  readonly #min
  readonly #max
  readonly #bucketCounts
  readonly #bounds
  readonly #scale
  readonly #zeroCount
  readonly #zeroThreshold
  readonly #positive
  readonly #negative
  readonly #quantiles
  readonly #quantileValues
  readonly #exemplars
  readonly #json = new JsonWriter()

  constructor(to: EventColumns, series: SeriesIds) {
    const { columns } = to
    this.#to = to
    this.#series = series
    this.#time = new TimeColumns(columns, 'timestamp', 'timestamp_nanos')
    this.#start = new TimeColumns(columns, 'start_timestamp', 'start_nanos')
    this.#flags = columns.long('flags')
    this.#size = columns.long('message_size_bytes')
    this.#value = columns.double('value')
    this.#valueDouble = columns.double('value_double')
    this.#valueInt = columns.long('value_int')
    this.#count = columns.long('distribution_count')
    this.#sum = columns.double('distribution_sum')
    this.#min = columns.double('distribution_min')
    this.#max = columns.double('distribution_max')
    this.#bucketCounts = new NumbersColumn(columns.json('hist_bucket_counts'))
    this.#bounds = new NumbersColumn(columns.json('hist_explicit_bounds'))
    this.#scale = columns.long('exp_hist_scale')
    this.#zeroCount = columns.long('exp_hist_zero_count')
    this.#zeroThreshold = columns.double('exp_hist_zero_threshold')
    this.#positive = new BucketsColumns(columns, 'pos')
    this.#negative = new BucketsColumns(columns, 'neg')
    this.#quantiles = new NumbersColumn(columns.json('summary_quantiles'))
    this.#quantileValues = new NumbersColumn(columns.json('summary_values'))
    this.#exemplars = columns.json('exemplars')
  }

  /** Reads a data point into a row. @throws WireError, with the row half set */
  read(reader: WireReader, end: number, row: number, fields: Fields): void {
    const { attributes, exact } = this.#to
    const start = reader.at
    let timeLow = 0
    let timeHigh = 0
    let exemplars = 0
    attributes.beginRow()
    for (const field of fields.defaults) this.#setDefault(field, row)
    this.#flags.setNumber(row, 0)
    this.#bucketCounts.begin()
    this.#bounds.begin()
    this.#quantiles.begin()
    this.#quantileValues.begin()
    while (reader.at < end) {
      const tag = reader.tag()
      switch (fields.byTag[tag]) {
        case TIME:
          reader.fixed64()
          timeLow = reader.low
          timeHigh = reader.high
          break
        case START:
          reader.fixed64()
          if (reader.low !== 0 || reader.high !== 0) this.#start.set(row, reader.low, reader.high)
          break
        case FLAGS:
          this.#flags.setNumber(row, reader.uint32())
          break
        case ATTRIBUTE: {
          const attributeEnd = reader.lengthEnd(end)
          this.#series.add({ first: row, end: row + 1 }, PART.attribute, reader.bytes, reader.at, attributeEnd)
          attributes.read(reader, attributeEnd, row)
          break
        }
        case EXEMPLAR:
          exemplars++
          reader.at = reader.lengthEnd(end)
          break
        case AS_DOUBLE: {
          const value = reader.double()
          this.#valueDouble.set(row, value)
          this.#value.set(row, value)
          break
        }
        case AS_INT:
          reader.fixed64()
          this.#valueInt.setWords(row, reader.low, reader.high)
          this.#value.set(row, Number(signedBigint(reader.low, reader.high)))
          break
        case COUNT:
          this.#readCount(this.#count, 'count', reader, row)
          break
        case SUM: {
          const sum = reader.double()
          this.#sum.set(row, sum)
          this.#value.set(row, sum)
          break
        }
        case MIN:
          this.#min.set(row, reader.double())
          break
        case MAX:
          this.#max.set(row, reader.double())
          break
        case BUCKET_COUNT:
          this.#bucketCounts.count(reader, true)
          break
        case BUCKET_COUNTS:
          for (const to = reader.lengthEnd(end); reader.at < to; ) this.#bucketCounts.count(reader, true)
          break
        case BOUND:
          this.#bounds.double(reader.double())
          break
        case BOUNDS:
          for (const to = reader.lengthEnd(end); reader.at < to; ) this.#bounds.double(reader.double())
          break
        case SCALE:
          this.#scale.setNumber(row, reader.sint32())
          break
        case ZERO_COUNT:
          this.#readCount(this.#zeroCount, 'zeroCount', reader, row)
          break
        case ZERO_THRESHOLD:
          this.#zeroThreshold.set(row, reader.double())
          break
        case POSITIVE:
          this.#readBuckets(this.#positive, 'positive', reader, reader.lengthEnd(end), row)
          break
        case NEGATIVE:
          this.#readBuckets(this.#negative, 'negative', reader, reader.lengthEnd(end), row)
          break
        case QUANTILE:
          this.#readQuantile(reader, reader.lengthEnd(end))
          break
        default:
          reader.skip(tag, end)
      }
    }
    reader.expect(end)
    attributes.endRow(row)
    this.#setTime(row, timeLow, timeHigh)
    this.#size.setNumber(row, end - start)
    const bucketCounts = this.#bucketCounts.end(row)
    if (bucketCounts !== null) exact.add(row, 'bucketCounts', bucketCounts)
    this.#bounds.end(row)
    this.#quantiles.end(row)
    this.#quantileValues.end(row)
    if (exemplars > 0) this.#readExemplars(reader, start, end, fields.exemplarTag, row)
    if (attributes.lossy) {
      exact.add(row, 'attributes', attributes.exact(reader, start, end, fields.attributeTag, row))
    }
    reader.at = end
  }

  #setDefault(field: number, row: number): void {
    if (field === COUNT) this.#count.setNumber(row, 0)
    else if (field === SCALE) this.#scale.setNumber(row, 0)
    else if (field === ZERO_COUNT) this.#zeroCount.setNumber(row, 0)
    else if (field === ZERO_THRESHOLD) this.#zeroThreshold.set(row, 0)
    else if (field === SUM) {
      this.#sum.set(row, 0)
      this.#value.set(row, 0)
    }
  }

  #setTime(row: number, low: number, high: number): void {
    if (low !== 0 || high !== 0) {
      this.#time.set(row, low, high)
      return
    }
    this.#time.setMicros(row, this.receivedAt)
    this.#to.exact.add(row, 'time', '"0"')
  }

  /** A uint64; one that is no int64 is cut. */
  #readCount(builder: LongBuilder, member: string, reader: WireReader, row: number): void {
    reader.fixed64()
    if (reader.high < 0x80000000) {
      builder.setWords(row, reader.low, reader.high)
      return
    }
    builder.set(row, MAX_INT64)
    this.#to.exact.add(row, member, `"${unsignedBigint(reader.low, reader.high)}"`)
  }

  /** Buckets: offset = 1, bucket_counts = 2. */
  #readBuckets(to: BucketsColumns, member: string, reader: WireReader, end: number, row: number): void {
    let offset = 0
    to.counts.begin()
    while (reader.at < end) {
      const tag = reader.tag()
      if (tag === 0x08) offset = reader.sint32()
      else if (tag === 0x10) to.counts.count(reader, false)
      else if (tag === 0x12) for (const last = reader.lengthEnd(end); reader.at < last; ) to.counts.count(reader, false)
      else reader.skip(tag, end)
    }
    reader.expect(end)
    to.offset.setNumber(row, offset)
    const exact = to.counts.end(row)
    if (exact !== null) this.#to.exact.add(row, member, `{"offset":${offset},"bucketCounts":${exact}}`)
  }

  /** ValueAtQuantile: quantile = 1, value = 2. */
  #readQuantile(reader: WireReader, end: number): void {
    let quantile = 0
    let value = 0
    while (reader.at < end) {
      const tag = reader.tag()
      if (tag === 0x09) quantile = reader.double()
      else if (tag === 0x11) value = reader.double()
      else reader.skip(tag, end)
    }
    reader.expect(end)
    this.#quantiles.double(quantile)
    this.#quantileValues.double(value)
  }

  #readExemplars(reader: WireReader, from: number, to: number, tag: number, row: number): void {
    const json = this.#json
    const complete = writeExemplars(json, reader, from, to, tag, false)
    this.#exemplars.set(row, json.bytes, 0, json.size)
    if (complete) return
    writeExemplars(json, reader, from, to, tag, true)
    this.#to.exact.add(row, 'exemplars', json.text())
  }
}
