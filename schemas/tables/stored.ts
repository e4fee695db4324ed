/**
 * An events batch as the lake stores it (see README.md): the columns of the table under their names, those that are
 * made at the sink included. Pure: the lake's writer, the SQL tail and the tests all see the same rows.
 */
import { type Batch, POSITION, positionAt } from '#pipeline/batch/batch.ts'
import { type Column, constantText, indexesFor, type LongColumn } from '#pipeline/batch/column.ts'
import { eventIds } from '#pipeline/batch/event_id.ts'
import { invariant } from '#pipeline/errors/errors.ts'
import { packJson } from './pack_json.ts'
import { type SqlType, type TableColumn, tableOf } from './tables.ts'

const DAY_MICROS = 86_400_000_000
/** An event whose clock is further off than this is filed under the day it was received. */
const MAX_SKEW_MICROS = 7 * DAY_MICROS

/** The batch column type of each stored type; arrays are JSON arrays. */
export const COLUMN_TYPES: Record<SqlType, Column['type']> = {
  text: 'text',
  json: 'json',
  date: 'long',
  timestamptz: 'long',
  integer: 'long',
  bigint: 'long',
  'double precision': 'double',
  boolean: 'boolean',
  'text[]': 'json',
  'bigint[]': 'json',
  'double precision[]': 'json',
}

export interface StoredEvents {
  /** By stored name, in the table's order, `date` left out; a column that is null in every row may be absent. */
  readonly columns: ReadonlyMap<string, Column>
  /** The partition of each row: days since 1970-01-01. */
  readonly dates: Int32Array
}

/**
 * All stored columns of a batch. Columns that the batch has under the stored name are passed through, not copied.
 * @throws InvariantError where a column has another type than the table says, or `timestamp` is missing
 */
export function storedColumns(batch: Batch): StoredEvents {
  const columns = new Map<string, Column>()
  for (const { name } of tableOf(batch.signal).stored) {
    if (name === 'date') continue
    const column = storedColumn(batch, name)
    if (column !== null) columns.set(name, column)
  }
  return { columns, dates: storedDates(batch) }
}

/**
 * One stored column of a batch, for readers that need only some; `date` as days since 1970-01-01.
 * @returns null where every row is null
 * @throws RangeError where the table stores no such column
 */
export function storedColumn(batch: Batch, name: string): Column | null {
  const declared = tableOf(batch.signal).stored.find((column) => column.name === name)
  if (declared === undefined) throw new RangeError(`the table of ${batch.signal} stores no column ${name}`)
  switch (name) {
    case 'id':
      return idColumn(batch)
    case 'project_id':
      return constantText('text', batch.projectId, batch.eventCount)
    case 'ingested_at':
      return constantLong(BigInt(batch.receivedAt), batch.eventCount)
    case 'date':
      return { type: 'long', values: BigInt64Array.from(storedDates(batch), BigInt), present: null }
    case 'attributes':
    case 'resource':
      return packJson(batch.columns, name, batch.eventCount)
    default:
      return sameNamed(batch, declared)
  }
}

/**
 * The `date` of each event in days since 1970-01-01: the UTC day of its timestamp, or of the time it was received
 * where the two are more than seven days apart.
 */
export function storedDates(batch: Batch): Int32Array {
  const timestamps = batch.columns.get('timestamp')
  invariant(timestamps?.type === 'long' && timestamps.present === null, 'every event must have a timestamp')
  const words = new Int32Array(timestamps.values.buffer, timestamps.values.byteOffset, batch.eventCount * 2)
  const receivedDay = Math.floor(batch.receivedAt / DAY_MICROS)
  const dates = new Int32Array(batch.eventCount)
  for (let row = 0; row < dates.length; row++) {
    const micros = words[row * 2 + 1] * 4294967296 + (words[row * 2] >>> 0)
    const trusted = Math.abs(micros - batch.receivedAt) <= MAX_SKEW_MICROS
    dates[row] = trusted ? Math.floor(micros / DAY_MICROS) : receivedDay
  }
  return dates
}

function sameNamed(batch: Batch, declared: TableColumn): Column | null {
  const column = batch.columns.get(declared.name)
  if (column === undefined) return null
  const type = COLUMN_TYPES[declared.type]
  invariant(column.type === type, `column ${declared.name} is ${column.type}; ${declared.type} wants ${type}`)
  return column
}

function constantLong(value: bigint, rows: number): LongColumn {
  return { type: 'long', values: new BigInt64Array(rows).fill(value), present: null }
}

const ID_LENGTH = 36
const POSITION_DIGITS = 4
const HEX = new TextEncoder().encode('0123456789abcdef')

/** The ids in bytes: all but the last four digits is the same for the whole batch. */
function idColumn(batch: Batch): Column {
  const rows = batch.eventCount
  const data = new Uint8Array(rows * ID_LENGTH)
  const offsets = new Uint32Array(rows + 1)
  const indexes = indexesFor(rows, rows)
  if (rows === 0) return { type: 'text', offsets, data, indexes }
  const prefix = new TextEncoder().encode(eventIds(batch)(0)).subarray(0, ID_LENGTH - POSITION_DIGITS)
  const counted = !batch.columns.has(POSITION)
  for (let row = 0, at = 0; row < rows; row++) {
    for (let byte = 0; byte < prefix.length; byte++) data[at + byte] = prefix[byte]
    at += ID_LENGTH
    const position = counted ? row : positionAt(batch, row)
    data[at - 4] = HEX[(position >> 12) & 15]
    data[at - 3] = HEX[(position >> 8) & 15]
    data[at - 2] = HEX[(position >> 4) & 15]
    data[at - 1] = HEX[position & 15]
    offsets[row + 1] = at
    indexes[row] = row + 1
  }
  return { type: 'text', offsets, data, indexes }
}
