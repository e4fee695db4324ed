/**
 * Builders of number columns, grown row by row, and of all the columns of a batch. As in `dictionary_builder.ts`: rows
 * are set in ascending order, skipped rows are null, `finish(rows)` ends the column at that many rows.
 */
import type { BooleanColumn, DoubleColumn, LongColumn } from './column.ts'
import { grown } from './grown.ts'

export { DictionaryBuilder } from './dictionary_builder.ts'

/** Notes which rows hold a value; costs nothing while none is missing. */
class Presence {
  #flags: Uint8Array | null = null
  #next = 0

  mark(row: number): void {
    if (row < this.#next) return // set again
    if (row !== this.#next && this.#flags === null) {
      this.#flags = new Uint8Array(Math.max(256, row + 1))
      this.#flags.fill(1, 0, this.#next)
    }
    if (this.#flags !== null) {
      if (row >= this.#flags.length) this.#flags = grown(this.#flags, row + 1)
      this.#flags[row] = 1
    }
    this.#next = row + 1
  }

  get rows(): number {
    return this.#next
  }

  finish(rows: number): Uint8Array | null {
    if (this.#flags === null && this.#next === rows) return null
    const flags = new Uint8Array(rows)
    if (this.#flags === null) flags.fill(1, 0, this.#next)
    else flags.set(this.#flags.subarray(0, Math.min(rows, this.#next)))
    return flags
  }
}

const TWO_32 = 4294967296

/** Builds a {@link LongColumn}; `setNumber` and `setWords` spare the allocation of a bigint. */
export class LongBuilder {
  readonly type = 'long'
  #values = new BigInt64Array(0)
  #words = new Int32Array(this.#values.buffer)
  #presence = new Presence()

  /** One more than the last row set. */
  get rows(): number {
    return this.#presence.rows
  }

  set(row: number, value: bigint): void {
    this.#reach(row)
    this.#values[row] = value
  }

  /** @param value an integer of at most 2^53 in magnitude */
  setNumber(row: number, value: number): void {
    const high = Math.floor(value / TWO_32)
    this.setWords(row, value - high * TWO_32, high)
  }

  /** Sets the 64 bits from two 32-bit halves. */
  setWords(row: number, low: number, high: number): void {
    this.#reach(row)
    this.#words[row * 2] = low
    this.#words[row * 2 + 1] = high
  }

  /** Gives rows `from + 1` to `to` (exclusive) what row `from`, the last one set, holds. */
  repeat(from: number, to: number): void {
    const low = this.#words[from * 2]
    const high = this.#words[from * 2 + 1]
    for (let row = from + 1; row < to; row++) this.setWords(row, low, high)
  }

  finish(rows: number): LongColumn {
    const values = new BigInt64Array(rows)
    values.set(this.#values.subarray(0, Math.min(rows, this.#values.length)))
    return { type: 'long', values, present: this.#presence.finish(rows) }
  }

  #reach(row: number): void {
    if (row >= this.#values.length) {
      this.#values = grown(this.#values, row + 1)
      this.#words = new Int32Array(this.#values.buffer)
    }
    this.#presence.mark(row)
  }
}

/** Builds a {@link DoubleColumn}. */
export class DoubleBuilder {
  readonly type = 'double'
  #values = new Float64Array(0)
  #presence = new Presence()

  /** One more than the last row set. */
  get rows(): number {
    return this.#presence.rows
  }

  set(row: number, value: number): void {
    if (row >= this.#values.length) this.#values = grown(this.#values, row + 1)
    this.#values[row] = value
    this.#presence.mark(row)
  }

  /** Gives rows `from + 1` to `to` (exclusive) what row `from`, the last one set, holds. */
  repeat(from: number, to: number): void {
    for (let row = from + 1; row < to; row++) this.set(row, this.#values[from])
  }

  finish(rows: number): DoubleColumn {
    const values = new Float64Array(rows)
    values.set(this.#values.subarray(0, Math.min(rows, this.#values.length)))
    return { type: 'double', values, present: this.#presence.finish(rows) }
  }
}

/** Builds a {@link BooleanColumn}. */
export class BooleanBuilder {
  readonly type = 'boolean'
  #values = new Uint8Array(0)
  #rows = 0

  /** One more than the last row set. */
  get rows(): number {
    return this.#rows
  }

  set(row: number, value: boolean): void {
    if (row >= this.#values.length) {
      const used = this.#values.length
      this.#values = grown(this.#values, row + 1)
      this.#values.fill(2, used)
    }
    this.#values[row] = value ? 1 : 0
    this.#rows = row + 1
  }

  /** Gives rows `from + 1` to `to` (exclusive) what row `from`, the last one set, holds. */
  repeat(from: number, to: number): void {
    for (let row = from + 1; row < to; row++) this.set(row, this.#values[from] === 1)
  }

  finish(rows: number): BooleanColumn {
    const values = new Uint8Array(rows).fill(2)
    values.set(this.#values.subarray(0, Math.min(rows, this.#rows)))
    return { type: 'boolean', values }
  }
}
