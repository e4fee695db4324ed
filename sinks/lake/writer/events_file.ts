/** Stored events of many batches as Parquet files: one a day, rows by time. */
import { invariant } from '#pipeline/errors/errors.ts'
import type { StoredEvents } from '#schemas/tables/stored.ts'
import type { SqlType, Table, TableColumn } from '#schemas/tables/tables.ts'
import type { LeafData } from '../parquet/leaf_data.ts'
import { ParquetFile } from '../parquet/parquet_file.ts'
import { type Field, leavesOf, listOf, optional } from '../parquet/schema.ts'
import { FileStatistics } from './file_statistics.ts'
import { type ColumnTraits, mergeColumn } from './merge_columns.ts'
import { type ElementType, mergeLists } from './merge_lists.ts'
import { rowsByDay } from './row_order.ts'

export interface EventsFile {
  /** Days since 1970-01-01. */
  readonly day: number
  readonly rows: number
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly statistics: FileStatistics
}

/** Rows of a row group: what a reader's thread takes at a time. */
const ROW_GROUP_ROWS = 131_072

/** How a stored column is written. */
export function fieldOf({ name, type }: TableColumn): Field {
  return FIELDS[type](name)
}

const FIELDS: Record<SqlType, (name: string) => Field> = {
  text: (name) => optional(name, 'bytes', 'string'),
  json: (name) => optional(name, 'bytes', 'string'),
  date: (name) => invariant(false, `${name}: a date is a partition, not a column`) as never,
  timestamptz: (name) => optional(name, 'int64', 'timestamp_micros'),
  integer: (name) => optional(name, 'int32'),
  bigint: (name) => optional(name, 'int64'),
  'double precision': (name) => optional(name, 'double'),
  boolean: (name) => optional(name, 'boolean'),
  'text[]': (name) => listOf(name, 'bytes', 'string'),
  'bigint[]': (name) => listOf(name, 'int64'),
  'double precision[]': (name) => listOf(name, 'double'),
}

/** One file for each day among the rows, with every column of the table. */
export function eventsFiles(table: Table, parts: readonly StoredEvents[]): EventsFile[] {
  const columns = table.stored.filter(({ name }) => name !== 'date')
  const fields = columns.map(fieldOf)
  const leaves = leavesOf(fields)
  return rowsByDay(parts).map(({ day, rows, asTheyCame }) => {
    const file = new ParquetFile(fields, 'timestamp')
    const statistics = new FileStatistics()
    for (let from = 0; from < rows.length; from += ROW_GROUP_ROWS) {
      const whole = asTheyCame && rows.length <= ROW_GROUP_ROWS
      const order = whole ? null : rows.subarray(from, from + ROW_GROUP_ROWS)
      const count = Math.min(ROW_GROUP_ROWS, rows.length - from)
      const chunks = file.addRowGroup(count, (leaf) => leafData(columns[leaf], leaves[leaf].type, parts, order))
      statistics.addRowGroup(count, chunks)
    }
    return { day, rows: rows.length, bytes: file.finish(), statistics }
  })
}

function leafData(
  { name, type }: TableColumn,
  physical: ColumnTraits['type'],
  parts: readonly StoredEvents[],
  rows: Uint32Array | null,
): LeafData {
  const columnParts = parts.map((part) => ({ column: part.columns.get(name) ?? null, rows: part.dates.length }))
  if (type.endsWith('[]')) return mergeLists(columnParts, rows, physical as ElementType)
  return mergeColumn(columnParts, rows, {
    type: physical,
    ordered: type !== 'json' && !LONG_TEXTS.has(name),
    prefixed: name === 'id',
  })
}

/** Free text: bounds on it prune nothing and cost a comparison a row. */
const LONG_TEXTS = new Set([
  'links',
  'status_message',
  'attributes___code___stacktrace',
  'attributes___exception___message',
  'attributes___exception___stacktrace',
  'attributes___log__record___original',
  'attributes___db___query___text',
  'attributes___url___full',
  'attributes___url___query',
])
