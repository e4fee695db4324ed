/**
 * The tail as a table DuckDB scans: `millrace_tail(scan)` gives the stored columns of a scan's batches, each column
 * made only where a statement needs it. json and lists are JSON text.
 */
import {
  BIGINT,
  BOOLEAN,
  DATE,
  DOUBLE,
  DuckDBDateValue,
  DuckDBTableFunction,
  DuckDBTimestampTZValue,
  type DuckDBType,
  type DuckDBValue,
  type DuckDBVector,
  INTEGER,
  TIMESTAMPTZ,
  VARCHAR,
} from '@duckdb/node-api'
import type { Batch } from '#pipeline/batch/batch.ts'
import { type Column, entryText, isDictionary } from '#pipeline/batch/column.ts'
import { storedColumn } from '#schemas/tables/stored.ts'
import type { SqlType, Table } from '#schemas/tables/tables.ts'

export const TAIL_FUNCTION = 'millrace_tail'
/** DuckDB's vector size: what one call may give at most. */
const CHUNK_ROWS = 2048

export interface TailScan {
  readonly table: Table
  readonly batches: readonly Batch[]
}

/** Scans by number; a number that is not there is an error of the statement that says it. */
export type TailScans = ReadonlyMap<bigint, TailScan>

/** One pass over a scan. */
interface Cursor {
  readonly names: readonly string[]
  readonly types: readonly SqlType[]
  batch: number
  row: number
  /** The columns of the batch the cursor stands in. */
  columns: (readonly [Column | null, texts: (string | undefined)[]])[] | null
}

export function tailFunction(scans: TailScans): DuckDBTableFunction {
  return DuckDBTableFunction.create({
    name: TAIL_FUNCTION,
    parameterTypes: [BIGINT],
    supportsProjectionPushdown: true,
    bindFunction(info) {
      const scan = scans.get(info.getParameter(0) as bigint)
      if (scan === undefined) {
        info.setError('there is no such scan')
        return
      }
      for (const column of scan.table.stored) info.addResultColumn(column.name, duckdbType(column.type))
      info.setCardinality(
        scan.batches.reduce((sum, batch) => sum + batch.eventCount, 0),
        true,
      )
      info.setBindData(scan)
    },
    initFunction(info) {
      const { table } = info.bindData as TailScan
      const wanted = info.getColumnIndexes().map((index) => table.stored[index])
      const cursor: Cursor = {
        names: wanted.map((column) => column?.name ?? ''),
        types: wanted.map((column) => column?.type ?? 'bigint'),
        batch: 0,
        row: 0,
        columns: null,
      }
      info.setInitData(cursor)
      info.setMaxThreads(1)
    },
    mainFunction(info, output) {
      try {
        const { batches } = info.bindData as TailScan
        const cursor = info.initData as Cursor
        while (cursor.batch < batches.length && cursor.row >= batches[cursor.batch].eventCount) {
          cursor.batch++
          cursor.row = 0
          cursor.columns = null
        }
        const batch = batches[cursor.batch]
        if (batch === undefined) {
          output.rowCount = 0
          return
        }
        cursor.columns ??= cursor.names.map((name) => [name === '' ? null : storedColumn(batch, name), []])
        const count = Math.min(CHUNK_ROWS, batch.eventCount - cursor.row)
        output.rowCount = count
        cursor.columns.forEach(([column, texts], index) => {
          const vector = output.getColumnVector(index)
          writeColumn(vector, cursor.types[index], column, texts, cursor.row, count)
          vector.flush()
        })
        cursor.row += count
      } catch (cause) {
        info.setError((cause as Error).message)
      }
    },
  })
}

function duckdbType(type: SqlType): DuckDBType {
  switch (type) {
    case 'integer':
      return INTEGER
    case 'bigint':
      return BIGINT
    case 'double precision':
      return DOUBLE
    case 'boolean':
      return BOOLEAN
    case 'date':
      return DATE
    case 'timestamptz':
      return TIMESTAMPTZ
    default:
      return VARCHAR
  }
}

/** Writes rows `from` to `from + count` of a column; a column that is not there is null in every row. */
function writeColumn(
  vector: DuckDBVector,
  type: SqlType,
  column: Column | null,
  texts: (string | undefined)[],
  from: number,
  count: number,
): void {
  if (column === null) {
    for (let row = 0; row < count; row++) vector.setItem(row, null)
  } else if (isDictionary(column)) {
    for (let row = 0; row < count; row++) {
      const index = column.indexes[from + row]
      if (index === 0) vector.setItem(row, null)
      else {
        texts[index] ??= entryText(column, index - 1)
        vector.setItem(row, texts[index])
      }
    }
  } else if (column.type === 'boolean') {
    for (let row = 0; row < count; row++) {
      const value = column.values[from + row]
      vector.setItem(row, value === 2 ? null : value === 1)
    }
  } else {
    const boxed = boxer(type)
    for (let row = 0; row < count; row++) {
      const absent = column.present !== null && column.present[from + row] === 0
      vector.setItem(row, absent ? null : boxed(column.values[from + row]))
    }
  }
}

/** How a long or a double is handed to a vector of the type. */
function boxer(type: SqlType): (value: bigint | number) => DuckDBValue {
  switch (type) {
    case 'integer':
      return Number
    case 'date':
      return (value) => new DuckDBDateValue(Number(value))
    case 'timestamptz':
      return (value) => new DuckDBTimestampTZValue(value as bigint)
    default:
      return (value) => value
  }
}
