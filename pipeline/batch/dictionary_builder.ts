/** Grows a {@link DictionaryColumn} row by row, from bytes. */
import { isAscii, isUtf8 } from 'node:buffer'
import { type DictionaryColumn, type Indexes, indexesFor } from './column.ts'
import { grown } from './grown.ts'

/** Strings longer than this are stored as they come: hashing them costs more than they are likely to save. */
const INTERN_LIMIT_BYTES = 128
/** After this many entries a builder looks whether interning pays. */
const INTERN_TRIAL = 512
/** A value that finds no place within so many steps is stored again: nobody can make a batch slow by choosing values. */
const PROBE_LIMIT = 16

const NO_BYTES = new Uint8Array(0)
const NO_INDEXES = new Uint32Array(0)
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * Rows are set in ascending order; rows that are skipped are null. Short values are interned by their bytes. Costs
 * nothing while no row is set.
 */
export class DictionaryBuilder {
  readonly type: DictionaryColumn['type']
  #data = NO_BYTES
  #size = 0
  #offsets = NO_INDEXES
  #entries = 0
  #indexes = NO_INDEXES
  #rows = 0
  /** Open addressing: slot -> entry + 1, 0 = free. */
  #slots = NO_INDEXES
  #interned = 0
  #hits = 0
  #interning = true
  /** The entry set last: neighbouring events often repeat it, and comparing is cheaper than hashing. */
  #last = -1

  constructor(type: DictionaryColumn['type']) {
    this.type = type
  }

  /** One more than the last row set. */
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

  /** Gives rows `from + 1` to `to` (exclusive) what row `from`, the last one set, holds. */
  repeat(from: number, to: number): void {
    this.fill(from, to, this.#indexes[from] - 1)
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
    if (this.#interned * 2 >= this.#slots.length && !this.#makeRoom()) return this.entry(source, start, end)
    const mask = this.#slots.length - 1
    let slot = hashOf(source, start, end) & mask
    for (let step = 0; step < PROBE_LIMIT; step++, slot = (slot + 1) & mask) {
      const found = this.#slots[slot]
      if (found === 0) {
        this.#last = this.#add(source, start, end)
        this.#slots[slot] = this.#entries
        this.#interned++
        return this.#last
      }
      if (this.#equals(found - 1, source, start, length)) {
        this.#hits++
        this.#last = found - 1
        return this.#last
      }
    }
    this.#last = this.#add(source, start, end)
    return this.#last
  }

  /** A new entry with these bytes, without looking for an equal one: for values that hardly repeat. */
  append(source: Uint8Array, start: number, end: number): number {
    return this.#add(source, start, end)
  }

  /**
   * Ends the column at `rows` rows. The builder must not be used afterwards. Text that is not UTF-8 gets replacement
   * characters: no consumer of a text column need expect anything else.
   */
  finish(rows: number): DictionaryColumn {
    if (rows > this.#indexes.length) this.#indexes = grown(this.#indexes, rows)
    const wide = this.#indexes.subarray(0, rows)
    let indexes: Indexes = indexesFor(this.#entries, rows)
    if (indexes.BYTES_PER_ELEMENT === 4) indexes = wide.slice()
    else indexes.set(wide)
    if (this.#entries === 0) this.#offsets = new Uint32Array(1)
    const offsets = this.#offsets.slice(0, this.#entries + 1)
    const data = this.#data.slice(0, this.#size)
    if (this.type === 'bytes' || isAscii(data) || entriesAreUtf8(offsets, data)) {
      return { type: this.type, offsets, data, indexes }
    }
    return { type: this.type, ...repaired(offsets, data), indexes }
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
    const size = this.#size
    if (size + length > this.#data.length) this.#data = grown(this.#data, size + length)
    const data = this.#data
    if (length <= 48) for (let at = 0; at < length; at++) data[size + at] = source[start + at]
    else data.set(source.subarray(start, end), size)
    this.#size += length
    if (this.#entries + 2 > this.#offsets.length) this.#offsets = grown(this.#offsets, this.#entries + 2)
    this.#entries++
    this.#offsets[this.#entries] = this.#size
    return this.#entries - 1
  }

  /** Makes the table of slots larger; or gives interning up and returns false. */
  #makeRoom(): boolean {
    // Where three of four values so far were new, the rest will hardly repeat: stop paying for the table.
    if (this.#interned >= INTERN_TRIAL && this.#hits * 3 < this.#interned) {
      this.#interning = false
      this.#slots = NO_INDEXES
      return false
    }
    const slots = new Uint32Array(Math.max(64, this.#slots.length * 4))
    const mask = slots.length - 1
    for (const index of this.#slots) {
      if (index === 0) continue
      let slot = hashOf(this.#data, this.#offsets[index - 1], this.#offsets[index]) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = index
    }
    this.#slots = slots
    return true
  }
}

/** Four bytes at a time; the shift brings the high bits down, which the mask of a small table would not see. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start
  let at = start
  for (; at + 4 <= end; at += 4) {
    const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
    hash = Math.imul(hash ^ word, 0x9e3779b1)
    hash ^= hash >>> 15
  }
  for (; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x9e3779b1)
  return hash ^ (hash >>> 16)
}

/** True where every entry alone is UTF-8: all together are, and none begins in the middle of a character. */
function entriesAreUtf8(offsets: Uint32Array, data: Uint8Array): boolean {
  if (!isUtf8(data)) return false
  for (const offset of offsets) if ((data[offset] & 0xc0) === 0x80) return false
  return true
}

function repaired(offsets: Uint32Array, data: Uint8Array): { offsets: Uint32Array; data: Uint8Array } {
  const entries: Uint8Array[] = []
  const ends = new Uint32Array(offsets.length)
  for (let entry = 0; entry + 1 < offsets.length; entry++) {
    const bytes = data.subarray(offsets[entry], offsets[entry + 1])
    entries.push(isUtf8(bytes) ? bytes : encoder.encode(decoder.decode(bytes)))
    ends[entry + 1] = ends[entry] + entries[entry].length
  }
  return { offsets: ends, data: new Uint8Array(Buffer.concat(entries)) }
}
