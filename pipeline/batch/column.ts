/**
 * A column: the values of one name and type for every event of a batch.
 *
 * The layout in memory is the layout in the topic (see `schemas/avro/event_batch.avsc`), so encoding a column a stage
 * did not touch is copying bytes, and a stage that renames columns touches no value at all.
 */

/** Row indexes into a dictionary; the width is the smallest that holds the dictionary's size. */
export type Indexes = Uint8Array | Uint16Array | Uint32Array

/**
 * Text, JSON text or bytes as a dictionary and one index a row. Index 0 is null; index k is entry k-1, whose bytes
 * (UTF-8 for `text` and `json`) are `data[offsets[k-1] .. offsets[k])`. `offsets` has one more element than there are
 * entries. Entries need not be distinct: a builder stops interning where nothing repeats.
 */
export interface DictionaryColumn {
  readonly type: 'text' | 'json' | 'bytes'
  readonly offsets: Uint32Array
  readonly data: Uint8Array
  readonly indexes: Indexes
}

/** 64-bit signed integers. `present` has one byte a row, 0 = null; `null` where no row is null. */
export interface LongColumn {
  readonly type: 'long'
  readonly values: BigInt64Array
  readonly present: Uint8Array | null
}

/** IEEE 754 doubles; NaN and -0 are values like any other. `present` as in {@link LongColumn}. */
export interface DoubleColumn {
  readonly type: 'double'
  readonly values: Float64Array
  readonly present: Uint8Array | null
}

/** One byte a row: 0 false, 1 true, 2 null. */
export interface BooleanColumn {
  readonly type: 'boolean'
  readonly values: Uint8Array
}

export type Column = DictionaryColumn | LongColumn | DoubleColumn | BooleanColumn
export type ColumnType = Column['type']

/** The value of a row as JavaScript has it: long is a bigint, bytes a Uint8Array, null is null. */
export type Value = string | bigint | number | boolean | Uint8Array | null

const decoder = new TextDecoder()
const encoder = new TextEncoder()

export function isDictionary(column: Column): column is DictionaryColumn {
  return column.type === 'text' || column.type === 'json' || column.type === 'bytes'
}

export function rowCount(column: Column): number {
  return isDictionary(column) ? column.indexes.length : column.values.length
}

/** Number of entries in the dictionary. */
export function entryCount(column: DictionaryColumn): number {
  return column.offsets.length - 1
}

/** The bytes of entry `entry` (0-based), not copied. */
export function entryBytes(column: DictionaryColumn, entry: number): Uint8Array {
  return column.data.subarray(column.offsets[entry], column.offsets[entry + 1])
}

/** The entry as a string; bytes that are not UTF-8 come out as replacement characters. */
export function entryText(column: DictionaryColumn, entry: number): string {
  const start = column.offsets[entry]
  const end = column.offsets[entry + 1]
  // Short ASCII is by far the most common; a loop beats the decoder's call there.
  if (end - start <= 24) {
    let text = ''
    for (let at = start; at < end; at++) {
      const byte = column.data[at]
      if (byte > 127) return decoder.decode(column.data.subarray(start, end))
      text += String.fromCharCode(byte)
    }
    return text
  }
  return decoder.decode(column.data.subarray(start, end))
}

/** True where the row holds a value. */
export function isPresent(column: Column, row: number): boolean {
  if (isDictionary(column)) return column.indexes[row] !== 0
  if (column.type === 'boolean') return column.values[row] !== 2
  return column.present === null || column.present[row] !== 0
}

/** The value of a row. For hot paths read the typed arrays instead: this boxes. */
export function valueAt(column: Column, row: number): Value {
  if (!isPresent(column, row)) return null
  switch (column.type) {
    case 'text':
    case 'json':
      return entryText(column, column.indexes[row] - 1)
    case 'bytes':
      return entryBytes(column, column.indexes[row] - 1)
    case 'boolean':
      return column.values[row] === 1
    default:
      return column.values[row]
  }
}

/** A new index array of the narrowest width that can hold `entries` and null. */
export function indexesFor(entries: number, rows: number): Indexes {
  if (entries < 0xff) return new Uint8Array(rows)
  if (entries < 0xffff) return new Uint16Array(rows)
  return new Uint32Array(rows)
}

/** A column with the same value in every row. */
export function constantText(
  type: DictionaryColumn['type'],
  value: string | Uint8Array,
  rows: number,
): DictionaryColumn {
  const data = typeof value === 'string' ? encoder.encode(value) : value
  return { type, offsets: new Uint32Array([0, data.length]), data, indexes: new Uint8Array(rows).fill(1) }
}

/** A column from JavaScript values; for tests and for code that is not on a hot path. */
export function columnOf(type: ColumnType, values: readonly Value[]): Column {
  const rows = values.length
  if (type === 'long' || type === 'double') {
    const present = new Uint8Array(rows)
    const numbers = type === 'long' ? new BigInt64Array(rows) : new Float64Array(rows)
    values.forEach((value, row) => {
      if (value === null) return
      present[row] = 1
      if (type === 'long') (numbers as BigInt64Array)[row] = BigInt(value as bigint | number)
      else (numbers as Float64Array)[row] = value as number
    })
    const full = present.every((flag) => flag === 1)
    return { type, values: numbers, present: full ? null : present } as LongColumn | DoubleColumn
  }
  if (type === 'boolean') {
    return { type, values: Uint8Array.from(values, (value) => (value === null ? 2 : value ? 1 : 0)) }
  }
  return dictionaryOf(type, values as readonly (string | Uint8Array | null)[])
}

function dictionaryOf(
  type: DictionaryColumn['type'],
  values: readonly (string | Uint8Array | null)[],
): DictionaryColumn {
  const seen = new Map<string, number>()
  const entries: Uint8Array[] = []
  const rows = values.map((value) => {
    if (value === null) return 0
    const bytes = typeof value === 'string' ? encoder.encode(value) : value
    const key = typeof value === 'string' ? value : Buffer.from(value).toString('latin1')
    let index = seen.get(key)
    if (index === undefined) {
      entries.push(bytes)
      index = entries.length
      seen.set(key, index)
    }
    return index
  })
  return packDictionary(type, entries, rows)
}

/** Packs entries and row indexes (0 = null) into a column. */
export function packDictionary(
  type: DictionaryColumn['type'],
  entries: readonly Uint8Array[],
  rows: ArrayLike<number>,
): DictionaryColumn {
  const offsets = new Uint32Array(entries.length + 1)
  let size = 0
  entries.forEach((entry, at) => {
    size += entry.length
    offsets[at + 1] = size
  })
  const data = new Uint8Array(size)
  entries.forEach((entry, at) => {
    data.set(entry, offsets[at])
  })
  const indexes = indexesFor(entries.length, rows.length)
  indexes.set(rows)
  return { type, offsets, data, indexes }
}

/**
 * The chosen rows of a column, in the order given. The dictionary is shared, not copied: entries that no row names any
 * more stay in it.
 */
export function selectRows(column: Column, rows: ArrayLike<number>): Column {
  const count = rows.length
  if (isDictionary(column)) {
    const indexes = indexesFor(entryCount(column), count)
    for (let at = 0; at < count; at++) indexes[at] = column.indexes[rows[at]]
    return { ...column, indexes }
  }
  if (column.type === 'boolean') {
    const values = new Uint8Array(count)
    for (let at = 0; at < count; at++) values[at] = column.values[rows[at]]
    return { type: 'boolean', values }
  }
  const present = column.present === null ? null : new Uint8Array(count)
  if (present !== null) for (let at = 0; at < count; at++) present[at] = column.present![rows[at]]
  if (column.type === 'long') {
    const values = new BigInt64Array(count)
    for (let at = 0; at < count; at++) values[at] = column.values[rows[at]]
    return { type: 'long', values, present }
  }
  const values = new Float64Array(count)
  for (let at = 0; at < count; at++) values[at] = column.values[rows[at]]
  return { type: 'double', values, present }
}

/** Bytes the column takes in memory and, but for a few, in its topic. */
export function byteSize(column: Column): number {
  if (isDictionary(column)) return column.offsets.byteLength + column.data.byteLength + column.indexes.byteLength
  if (column.type === 'boolean') return column.values.byteLength
  return column.values.byteLength + (column.present?.byteLength ?? 0)
}

/** Rewrites every entry of a dictionary column once; rows keep their index. `null` makes the entry's rows null. */
export function mapEntries(column: DictionaryColumn, change: (text: string) => string | null): DictionaryColumn {
  const count = entryCount(column)
  const entries: Uint8Array[] = []
  const target = new Uint32Array(count + 1)
  for (let entry = 0; entry < count; entry++) {
    const text = change(entryText(column, entry))
    if (text === null) continue
    entries.push(encoder.encode(text))
    target[entry + 1] = entries.length
  }
  return packDictionary(
    column.type,
    entries,
    Array.from(column.indexes, (index) => target[index]),
  )
}
