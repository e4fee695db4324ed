/** Arrays of numbers in data points: bucket counts, bounds, quantiles. */
import type { DictionaryBuilder, LongBuilder } from '#pipeline/batch/builder.ts'
import type { ColumnSet } from '#pipeline/batch/column_set.ts'
import { JsonWriter } from './json_writer.ts'
import type { WireReader } from './wire.ts'

export const MAX_INT64 = 2n ** 63n - 1n

/** A column of arrays of numbers, as JSON. An empty array is null. */
export class NumbersColumn {
  readonly #builder: DictionaryBuilder
  readonly #json = new JsonWriter()
  /** The array in OTLP/JSON form, counts as text; used only where one of them is no int64. */
  readonly #exact = new JsonWriter()
  #cut = false

  constructor(builder: DictionaryBuilder) {
    this.#builder = builder
  }

  begin(): void {
    this.#json.reset()
    this.#exact.reset()
    this.#cut = false
  }

  /** Reads a uint64; one that is no int64 is cut. */
  count(reader: WireReader, fixed: boolean): void {
    if (fixed) reader.fixed64()
    else reader.varint64()
    const { low, high } = reader
    this.#json.raw(this.#json.size === 0 ? '[' : ',')
    this.#exact.raw(this.#exact.size === 0 ? '["' : '","')
    this.#exact.uint64(low, high)
    if (high < 0x80000000) {
      this.#json.uint64(low, high)
    } else {
      this.#json.raw(String(MAX_INT64))
      this.#cut = true
    }
  }

  double(value: number): void {
    this.#json.raw(this.#json.size === 0 ? '[' : ',')
    this.#json.double(value)
  }

  /** Sets the row. @returns what was sent, as OTLP/JSON, where the column does not say it */
  end(row: number): string | null {
    if (this.#json.size === 0) return null
    this.#json.raw(']')
    this.#builder.set(row, this.#json.bytes, 0, this.#json.size)
    return this.#cut ? `${this.#exact.text()}"]` : null
  }
}

/** Offset and counts of one side of an exponential histogram. */
export class BucketsColumns {
  readonly offset: LongBuilder
  readonly counts: NumbersColumn

  constructor(columns: ColumnSet, side: 'pos' | 'neg') {
    this.offset = columns.long(`exp_hist_${side}_offset`)
    this.counts = new NumbersColumn(columns.json(`exp_hist_${side}_buckets`))
  }
}
