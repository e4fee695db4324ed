/** DuckDB's types and values as the query port states them (`schemas/query.ts`). */
import {
  type DuckDBDateValue,
  type DuckDBListType,
  type DuckDBListValue,
  type DuckDBTimestampTZValue,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
} from '@duckdb/node-api'
import type { QueryValue } from '#schemas/query.ts'
import { isoDate, isoTimestamp } from '#schemas/tables/time_text.ts'

const NAMES: ReadonlyMap<DuckDBTypeId, string> = new Map([
  [DuckDBTypeId.VARCHAR, 'text'],
  [DuckDBTypeId.DATE, 'date'],
  [DuckDBTypeId.TIMESTAMP_TZ, 'timestamptz'],
  [DuckDBTypeId.TIMESTAMP, 'timestamp'],
  [DuckDBTypeId.INTEGER, 'integer'],
  [DuckDBTypeId.BIGINT, 'bigint'],
  [DuckDBTypeId.DOUBLE, 'double precision'],
  [DuckDBTypeId.FLOAT, 'real'],
  [DuckDBTypeId.BOOLEAN, 'boolean'],
  [DuckDBTypeId.HUGEINT, 'numeric'],
  [DuckDBTypeId.DECIMAL, 'numeric'],
])

/** PostgreSQL's name of a type where it has one, else DuckDB's in lower case. */
export function typeName(type: DuckDBType): string {
  if (type.alias === 'JSON') return 'json'
  if (type.typeId === DuckDBTypeId.LIST) return `${typeName((type as DuckDBListType).valueType)}[]`
  return NAMES.get(type.typeId) ?? type.toString().toLowerCase()
}

/** How values of a type are given; made once a column. */
export function valueReader(type: DuckDBType): (value: DuckDBValue) => QueryValue {
  const read = presentReader(type)
  return (value) => (value === null || value === undefined ? null : read(value))
}

function presentReader(type: DuckDBType): (value: DuckDBValue) => QueryValue {
  switch (type.typeId) {
    case DuckDBTypeId.BOOLEAN:
      return (value) => value as boolean
    case DuckDBTypeId.TINYINT:
    case DuckDBTypeId.SMALLINT:
    case DuckDBTypeId.INTEGER:
    case DuckDBTypeId.UTINYINT:
    case DuckDBTypeId.USMALLINT:
    case DuckDBTypeId.UINTEGER:
      return (value) => value as number
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.UBIGINT:
    case DuckDBTypeId.HUGEINT:
    case DuckDBTypeId.UHUGEINT:
      return (value) => exactNumber(String(value))
    case DuckDBTypeId.DECIMAL:
      return (value) => exactNumber(String(value))
    case DuckDBTypeId.FLOAT:
    case DuckDBTypeId.DOUBLE:
      return (value) => (Number.isFinite(value as number) ? (value as number) : String(value))
    case DuckDBTypeId.TIMESTAMP_TZ:
      return (value) => isoTimestamp((value as DuckDBTimestampTZValue).micros)
    case DuckDBTypeId.DATE:
      return (value) => isoDate((value as DuckDBDateValue).days)
    case DuckDBTypeId.LIST: {
      const element = valueReader((type as DuckDBListType).valueType)
      return (value) => (value as DuckDBListValue).items.map(element)
    }
    default:
      return (value) => String(value)
  }
}

/** A number where a double holds all its digits, else the digits. */
function exactNumber(digits: string): number | string {
  const number = Number(digits)
  if (Number.isInteger(number)) return Number.isSafeInteger(number) ? number : digits
  const trimmed = digits.replace(/0+$/, '')
  return String(number) === trimmed ? number : digits
}
