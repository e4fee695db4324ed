/**
 * Builders: columns grown row by row. Rows that are skipped are null. All of them share the contract
 * "rows are set in ascending order, `finish(rows)` ends the column at that many rows".
 */
import {
  type BooleanColumn,
  type DictionaryColumn,
  type DoubleColumn,
  type Indexes,
  indexesFor,
  type LongColumn,
} from './column.ts'

/** Strings longer than this are stored as they come: hashing them costs more than they are likely to save. */
const INTERN_LIMIT_BYTES = 128
/** After this many entries a builder looks whether interning pays. */
const INTERN_TRIAL = 512

const encoder = new TextEncoder()

/** Grows a typed array to at least `size` elements, keeping its content. */
function grown<T extends Uint8Array | Uint32Array | BigInt64Array | Float64Array>(array: T, size: number): T {
  const larger = new (array.constructor as new (length: number) => T)(Math.max(size, array.length * 2))
  larger.set(array as never)
  return larger
}

/** Builds a {@link DictionaryColumn} from bytes, interning the short ones. */
export class DictionaryBuilder {
  readonly type: DictionaryColumn['type']
  #data = new Uint8Array(1024)
  #size = 0
  #offsets = new Uint32Array(64)
  #entries = 0
  #indexes = new Uint32Array(256)
  #rows = 0
  /** Open addressing: slot -> entry + 1, 0 = free. */
  #slots = new Uint32Array(256)
  #interned = 0
  #hits = 0
  #interning = true
  /** The entry set last: neighbouring events often repeat it, and comparing is cheaper than hashing. */
  #last = -1

  constructor(type: DictionaryColumn['type']) {
    this.type = type
  }

  get rows(): number {
    return this.#rows
  }

  /** Sets row `row` to the bytes `source[start..end)`, which are copied. */
  set(row: number, source: Uint8Array, start: number, end: number): void {
    this.setEntry(row, this.entry(source, start, end))
  }

  setText(row: number, text: string): void {
    const bytes = encoder.encode(text)
    this.set(row, bytes, 0, bytes.length)
  }

  /** Sets row `row` to an entry got from {@link entry}. */
  setEntry(row: number, entry: number): void {
    if (row >= this.#indexes.length) this.#indexes = grown(this.#indexes, row + 1)
    this.#indexes[row] = entry + 1
    this.#rows = row + 1
  }

  /** Sets rows `from` to `to` (exclusive) to one entry: how what a resource says reaches its events. */
  fill(from: number, to: number, entry: number): void {
    if (to > this.#indexes.length) this.#indexes = grown(this.#indexes, to)
    this.#indexes.fill(entry + 1, from, to)
    if (to > from) this.#rows = to
  }

  /** The entry that holds the bytes `source[start..end)`: an equal one, or a new one. */
  entry(source: Uint8Array, start: number, end: number): number {
    const length = end - start
    const last = this.#last
    if (last >= 0 && this.#equals(last, source, start, length)) {
      this.#hits++
      return last
    }
    if (!this.#interning || length > INTERN_LIMIT_BYTES) {
      this.#last = this.#add(source, start, end)
      return this.#last
    }
    let hash = length
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ source[at], 0x01000193)
    hash ^= hash >>> 15
    const mask = this.#slots.length - 1
    let slot = hash & mask
    for (;;) {
      const found = this.#slots[slot]
      if (found === 0) break
      if (this.#equals(found - 1, source, start, length)) {
        this.#hits++
        this.#last = found - 1
        return this.#last
      }
      slot = (slot + 1) & mask
    }
    this.#last = this.#add(source, start, end)
    this.#slots[slot] = this.#entries
    this.#interned++
    if (this.#interned * 2 > this.#slots.length) this.#rehash()
    return this.#last
  }

  /** Ends the column at `rows` rows. The builder must not be used afterwards. */
  finish(rows: number): DictionaryColumn {
    if (rows > this.#indexes.length) this.#indexes = grown(this.#indexes, rows)
    const wide = this.#indexes.subarray(0, rows)
    let indexes: Indexes = indexesFor(this.#entries, rows)
    if (indexes.BYTES_PER_ELEMENT === 4) indexes = wide.slice()
    else indexes.set(wide)
    return {
      type: this.type,
      offsets: this.#offsets.slice(0, this.#entries + 1),
      data: this.#data.slice(0, this.#size),
      indexes,
    }
  }

  #equals(entry: number, source: Uint8Array, start: number, length: number): boolean {
    const from = this.#offsets[entry]
    if (this.#offsets[entry + 1] - from !== length) return false
    const data = this.#data
    // The end differs more often than the beginning: counters and ids share their prefix.
    for (let at = length - 1; at >= 0; at--) if (data[from + at] !== source[start + at]) return false
    return true
  }

  #add(source: Uint8Array, start: number, end: number): number {
    const length = end - start
    if (this.#size + length > this.#data.length) this.#data = grown(this.#data, this.#size + length)
    if (length <= 48) for (let at = 0, to = this.#size; at < length; at++) this.#data[to + at] = source[start + at]
    else this.#data.set(source.subarray(start, end), this.#size)
    this.#size += length
    if (this.#entries + 2 > this.#offsets.length) this.#offsets = grown(this.#offsets, this.#entries + 2)
    this.#entries++
    this.#offsets[this.#entries] = this.#size
    return this.#entries - 1
  }

  #rehash(): void {
    // Where three of four values so far were new, the rest will hardly repeat: stop paying for the table.
    if (this.#interned >= INTERN_TRIAL && this.#hits * 3 < this.#interned) {
      this.#interning = false
      this.#slots = new Uint32Array(0)
      return
    }
    const slots = new Uint32Array(this.#slots.length * 4)
    const mask = slots.length - 1
    for (const index of this.#slots) {
      if (index === 0) continue
      const start = this.#offsets[index - 1]
      const end = this.#offsets[index]
      let hash = end - start
      for (let at = start; at < end; at++) hash = Math.imul(hash ^ this.#data[at], 0x01000193)
      hash ^= hash >>> 15
      let slot = hash & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = index
    }
    this.#slots = slots
  }
}

/** Notes which rows hold a value; costs nothing while none is missing. */
class Presence {
  #flags: Uint8Array | null = null
  #next = 0

  mark(row: number): void {
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
  #values = new BigInt64Array(256)
  #words = new Int32Array(this.#values.buffer)
  #presence = new Presence()

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

  fillNumber(from: number, to: number, value: number): void {
    for (let row = from; row < to; row++) this.setNumber(row, value)
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

export class DoubleBuilder {
  readonly type = 'double'
  #values = new Float64Array(256)
  #presence = new Presence()

  set(row: number, value: number): void {
    if (row >= this.#values.length) this.#values = grown(this.#values, row + 1)
    this.#values[row] = value
    this.#presence.mark(row)
  }

  finish(rows: number): DoubleColumn {
    const values = new Float64Array(rows)
    values.set(this.#values.subarray(0, Math.min(rows, this.#values.length)))
    return { type: 'double', values, present: this.#presence.finish(rows) }
  }
}

export class BooleanBuilder {
  readonly type = 'boolean'
  #values = new Uint8Array(256).fill(2)
  #rows = 0

  set(row: number, value: boolean): void {
    if (row >= this.#values.length) {
      const used = this.#values.length
      this.#values = grown(this.#values, row + 1)
      this.#values.fill(2, used)
    }
    this.#values[row] = value ? 1 : 0
    this.#rows = row + 1
  }

  finish(rows: number): BooleanColumn {
    const values = new Uint8Array(rows).fill(2)
    values.set(this.#values.subarray(0, Math.min(rows, this.#rows)))
    return { type: 'boolean', values }
  }
}
