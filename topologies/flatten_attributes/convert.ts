/** Attribute values as a promoted column has them: only what converts without loss, the rest is null. */
import {
  type Column,
  columnOf,
  type DictionaryColumn,
  entryCount,
  entryText,
  isPresent,
  mapEntries,
  rowCount,
  type Value,
  valueAt,
} from '#pipeline/batch/column.ts'
import type { SqlType } from '#schemas/tables/tables.ts'

const BOUNDS: Readonly<Partial<Record<SqlType, readonly [bigint, bigint]>>> = {
  integer: [-(2n ** 31n), 2n ** 31n - 1n],
  bigint: [-(2n ** 63n), 2n ** 63n - 1n],
}

/**
 * One value as `type` has it: text, or an integer within its bounds.
 * @returns null where it would lose something
 */
export function convertValue(value: Value, type: SqlType): string | bigint | null {
  const bounds = BOUNDS[type]
  if (bounds === undefined) return textOf(value)
  const integer = integerOf(value)
  return integer !== null && integer >= bounds[0] && integer <= bounds[1] ? integer : null
}

function textOf(value: Value): string | null {
  if (typeof value === 'string') return value
  return typeof value === 'bigint' || typeof value === 'boolean' ? String(value) : null
}

function integerOf(value: Value): bigint | null {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : null
  // Up to 19 digits, written as we would: `007` and `+7` say more than 7.
  return typeof value === 'string' && /^(0|-?[1-9]\d{0,18})$/.test(value) ? BigInt(value) : null
}

/** A whole column as `type` has it; the very same column where nothing has to change. `null` where nothing converts. */
export function convertColumn(column: Column, type: SqlType, convert?: (text: string) => string | null): Column | null {
  if (type !== 'text') return integerColumn(column, type)
  if (column.type === 'text') return convert === undefined ? column : mapEntries(column, convert)
  if (column.type === 'json' || column.type === 'bytes' || column.type === 'double') return null
  return columnOf('text', rowValues(column, type))
}

function integerColumn(column: Column, type: SqlType): Column | null {
  if (column.type === 'long' && fits(column, type)) return column
  if (column.type === 'text') return integersOfTexts(column, type)
  if (column.type !== 'long' && column.type !== 'double') return null
  return columnOf('long', rowValues(column, type))
}

/** Looks at the halves: making a bigint of each value would cost more than all the rest. */
function fits(column: Extract<Column, { type: 'long' }>, type: SqlType): boolean {
  if (type !== 'integer') return true
  const { values } = column
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  for (let at = 0; at < words.length; at += 2) if (words[at + 1] !== words[at] >> 31) return false
  return true
}

function integersOfTexts(column: DictionaryColumn, type: SqlType): Column {
  const integers: Value[] = []
  for (let entry = 0; entry < entryCount(column); entry++) integers.push(convertValue(entryText(column, entry), type))
  return columnOf(
    'long',
    Array.from(column.indexes, (index) => (index === 0 ? null : integers[index - 1])),
  )
}

function rowValues(column: Column, type: SqlType): Value[] {
  return Array.from({ length: rowCount(column) }, (_, row) => convertValue(valueAt(column, row), type))
}

/** The column with null in every row where `keep` says no. The values are shared, not copied, where they can be. */
export function masked(column: Column, rows: number, keep: (row: number) => boolean): Column | null {
  const kept = new Uint8Array(rows)
  let any = false
  for (let row = 0; row < rows; row++) {
    if (!isPresent(column, row) || !keep(row)) continue
    kept[row] = 1
    any = true
  }
  if (!any) return null
  switch (column.type) {
    case 'long':
    case 'double':
      return { ...column, present: kept }
    case 'boolean':
      return { ...column, values: column.values.map((value, row) => (kept[row] === 1 ? value : 2)) }
    default:
      return { ...column, indexes: column.indexes.map((index, row) => (kept[row] === 1 ? index : 0)) }
  }
}
