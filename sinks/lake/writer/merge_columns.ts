/**
 * One column of many batches as one Parquet column, in the file's row order: dictionaries are merged, entries no row
 * names are left behind, nulls become definition levels.
 */
import type { Column, DictionaryColumn, Indexes } from '#pipeline/batch/column.ts'
import { invariant } from '#pipeline/errors/errors.ts'
import { type LeafData, type LeafValues, nulls } from '../parquet/leaf_data.ts'
import { EntryTable } from './entry_table.ts'

/** A batch's column; `null` where the batch has none, so that its rows are null. */
export interface ColumnPart {
  readonly column: Column | null
  readonly rows: number
}

/** What a Parquet column has beside its values: see {@link LeafData}. */
export interface ColumnTraits {
  readonly type: LeafValues['type']
  /** True where minimum and maximum are worth keeping. */
  readonly ordered: boolean
  readonly prefixed?: boolean
}

/** Text of all parts behind one index per row of the file, 0 = null. */
export interface MergedText {
  readonly data: Uint8Array
  readonly offsets: Uint32Array
  readonly indexes: Uint32Array
}

/** @param rows the parts' row numbers in the file's order; `null` for all as they came */
export function mergeColumn(parts: readonly ColumnPart[], rows: Uint32Array | null, traits: ColumnTraits): LeafData {
  if (parts.every((part) => part.column === null)) {
    return nulls(traits.type, rows?.length ?? parts.reduce((sum, part) => sum + part.rows, 0))
  }
  switch (traits.type) {
    case 'bytes': {
      const { data, offsets, indexes } = mergeText(parts, rows)
      const { levels, definitions, kept } = split(indexes)
      for (let at = 0; at < kept.length; at++) kept[at]--
      const values: LeafValues = { type: 'bytes', data, offsets, entries: kept, prefixed: traits.prefixed }
      return { levels, definitions, repetitions: null, values, ordered: traits.ordered }
    }
    case 'boolean':
      return mergeBooleans(parts, rows)
    default:
      return mergeNumbers(parts, rows, traits.type)
  }
}

export function mergeText(parts: readonly ColumnPart[], rows: Uint32Array | null): MergedText {
  const total = parts.reduce((sum, part) => sum + part.rows, 0)
  const came = new Uint32Array(total)
  const chosen = rows === null || rows.length === total ? null : flagged(rows, total)
  const table = new EntryTable()
  let start = 0
  for (const { column, rows: count } of parts) {
    if (column !== null) {
      invariant(column.type === 'text' || column.type === 'json', `a ${column.type} column where text belongs`)
      mergeIndexes(column, table, came.subarray(start, start + count), chosen?.subarray(start, start + count) ?? null)
    }
    start += count
  }
  return { ...table.finish(), indexes: gathered(came, rows) }
}

function mergeIndexes(
  column: DictionaryColumn,
  table: EntryTable,
  target: Uint32Array,
  chosen: Uint8Array | null,
): void {
  const { data, offsets } = column
  const indexes: Indexes = column.indexes
  // Entry of the part -> entry of the table, plus one; 0 where no row has named it yet.
  const merged = new Uint32Array(offsets.length)
  for (let row = 0; row < target.length; row++) {
    const index = indexes[row]
    if (index === 0 || (chosen !== null && chosen[row] === 0)) continue
    if (merged[index] === 0) merged[index] = table.add(data, offsets[index - 1], offsets[index]) + 1
    target[row] = merged[index]
  }
}

/** `values` in the order of `rows`. A plain loop: `Uint32Array.from` is ten times as slow. */
function gathered(values: Uint32Array, rows: Uint32Array | null): Uint32Array {
  if (rows === null) return values
  const result = new Uint32Array(rows.length)
  for (let at = 0; at < rows.length; at++) result[at] = values[rows[at]]
  return result
}

function flagged(rows: Uint32Array, total: number): Uint8Array {
  const flags = new Uint8Array(total)
  for (let at = 0; at < rows.length; at++) flags[rows[at]] = 1
  return flags
}

/** Nulls apart from values: definition levels of an optional column, and the indexes that are not 0. */
function split(indexes: Uint32Array): { levels: number; definitions: Uint8Array | number; kept: Uint32Array } {
  const levels = indexes.length
  const definitions = new Uint8Array(levels)
  let count = 0
  for (let row = 0; row < levels; row++) {
    if (indexes[row] === 0) continue
    definitions[row] = 1
    count++
  }
  if (count === levels) return { levels, definitions: 1, kept: indexes }
  const kept = new Uint32Array(count)
  for (let row = 0, at = 0; row < levels; row++) if (indexes[row] !== 0) kept[at++] = indexes[row]
  return { levels, definitions, kept }
}

function mergeNumbers(
  parts: readonly ColumnPart[],
  rows: Uint32Array | null,
  type: 'int32' | 'int64' | 'double',
): LeafData {
  const total = parts.reduce((sum, part) => sum + part.rows, 0)
  // Eight-byte values are moved as two words: neither a bigint is made nor a NaN's payload lost.
  const words = new Int32Array(total * 2)
  const present = new Uint8Array(total)
  let start = 0
  for (const { column, rows: count } of parts) {
    if (column !== null) {
      invariant(
        column.type === (type === 'double' ? 'double' : 'long'),
        `a ${column.type} column where ${type} belongs`,
      )
      words.set(new Int32Array(column.values.buffer, column.values.byteOffset, count * 2), start * 2)
      if (column.present === null) present.fill(1, start, start + count)
      else present.set(column.present, start)
    }
    start += count
  }
  const levels = rows?.length ?? total
  const definitions = new Uint8Array(levels)
  const kept = new Int32Array(levels * 2)
  let count = 0
  for (let at = 0; at < levels; at++) {
    const row = rows === null ? at : rows[at]
    if (present[row] === 0) continue
    definitions[at] = 1
    kept[count * 2] = words[row * 2]
    kept[count * 2 + 1] = words[row * 2 + 1]
    count++
  }
  const values = numbers(type, kept, count)
  return { levels, definitions: count === levels ? 1 : definitions, repetitions: null, values, ordered: true }
}

function numbers(type: 'int32' | 'int64' | 'double', words: Int32Array<ArrayBuffer>, count: number): LeafValues {
  if (type === 'int64') return { type, values: new BigInt64Array(words.buffer, 0, count) }
  if (type === 'double') return { type, values: new Float64Array(words.buffer, 0, count) }
  const values = new Int32Array(count)
  for (let at = 0; at < count; at++) {
    values[at] = words[at * 2]
    invariant(words[at * 2 + 1] === values[at] >> 31, 'a value of an integer column does not fit 32 bits')
  }
  return { type, values }
}

function mergeBooleans(parts: readonly ColumnPart[], rows: Uint32Array | null): LeafData {
  const total = parts.reduce((sum, part) => sum + part.rows, 0)
  const came = new Uint32Array(total)
  let start = 0
  for (const { column, rows: count } of parts) {
    if (column !== null) {
      invariant(column.type === 'boolean', `a ${column.type} column where boolean belongs`)
      // As an index: 0 = null, 1 = false, 2 = true.
      for (let row = 0; row < count; row++) came[start + row] = (column.values[row] + 1) % 3
    }
    start += count
  }
  const { levels, definitions, kept } = split(gathered(came, rows))
  const values: LeafValues = { type: 'boolean', values: Uint8Array.from(kept, (index) => index - 1) }
  return { levels, definitions, repetitions: null, values, ordered: true }
}
