/**
 * Does a batch keep to the table's contract? Asked where others' work comes in (a stage that is not ours) and again where it
 * would do harm (the lake, which stores many projects in one go). What passes can be stored: a property test.
 */
import { type Batch, POSITION } from '#pipeline/batch/batch.ts'
import { type Column, type DictionaryColumn, entryBytes, entryCount, type LongColumn } from '#pipeline/batch/column.ts'
import { eventIds, MAX_POSITION } from '#pipeline/batch/event_id.ts'
import { COLUMN_TYPES } from './stored.ts'
import { type Table, type TableColumn, tableOf } from './tables.ts'

/** Made at the sink: whatever a batch has under these names is not looked at. */
const MADE = new Set(['id', 'project_id', 'ingested_at', 'date', 'attributes', 'resource'])

/** @throws TypeError naming column, table, wanted and given type, where the batch has a column that is not the table's */
export function checkColumns(batch: Batch): void {
  const table = tableOf(batch.signal)
  for (const [name, column] of batch.columns) {
    const declared = storedOf(table).get(name)
    const fault = declared === undefined ? ownFault(name, column) : declaredFault(declared, column)
    if (fault !== null) throw new TypeError(`column ${name} of ${table.name}: ${fault}`)
  }
}

/** As {@link checkColumns}, and of what a row cannot do without. @throws TypeError where the batch cannot be stored */
export function checkStorable(batch: Batch): void {
  checkColumns(batch)
  const timestamps = batch.columns.get('timestamp')
  if (timestamps?.type !== 'long' || timestamps.present?.includes(0)) {
    throw new TypeError('column timestamp: every event must have one')
  }
  try {
    eventIds(batch)
  } catch (cause) {
    throw new TypeError(`no event ids: ${(cause as Error).message}`, { cause })
  }
}

const stored = new Map<Table, ReadonlyMap<string, TableColumn>>()

function storedOf(table: Table): ReadonlyMap<string, TableColumn> {
  let columns = stored.get(table)
  if (columns === undefined) {
    columns = new Map(table.stored.filter(({ name }) => !MADE.has(name)).map((column) => [column.name, column]))
    stored.set(table, columns)
  }
  return columns
}

function declaredFault({ type }: TableColumn, column: Column): string | null {
  const wanted = COLUMN_TYPES[type]
  if (column.type !== wanted) return `it is ${column.type}, where ${type} wants ${wanted}`
  if (type === 'integer') return longFault(column as LongColumn, 'an integer', isInteger)
  if (!type.endsWith('[]')) return null
  return entryFault(column as DictionaryColumn, `array for ${type}`, (value, text) => isList(type, value, text))
}

/** Columns that the table does not have but the sink reads. */
function ownFault(name: string, column: Column): string | null {
  if (name === 'attributes.rest' || name === 'resource.rest') {
    if (column.type !== 'json') return `it is ${column.type}, not json`
    return entryFault(column, 'object', (value) => typeof value === 'object' && value !== null && !Array.isArray(value))
  }
  if (name !== POSITION) return null
  if (column.type !== 'long') return `it is ${column.type}, not long`
  return longFault(column, 'a position', (low, high) => high === 0 && low >= 0 && low <= MAX_POSITION)
}

/** Looks at the halves: making a bigint of each value would cost more than all the rest. */
function longFault(
  { values, present }: LongColumn,
  what: string,
  fits: (low: number, high: number) => boolean,
): string | null {
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  for (let row = 0; row < values.length; row++) {
    if (!fits(words[row * 2], words[row * 2 + 1]) && present?.[row] !== 0) return `${values[row]} is not ${what}`
  }
  return null
}

const isInteger = (low: number, high: number) => high === low >> 31

const decoder = new TextDecoder()

function entryFault(
  column: DictionaryColumn,
  what: string,
  fits: (value: unknown, text: string) => boolean,
): string | null {
  for (let entry = 0; entry < entryCount(column); entry++) {
    const text = decoder.decode(entryBytes(column, entry))
    if (!fits(parsed(text), text)) return `${text.slice(0, 80)} is no JSON ${what}`
  }
  return null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Integers are split by hand where they are stored (`JSON.parse` loses digits), so they must be written plainly. */
function isList(type: TableColumn['type'], value: unknown, text: string): boolean {
  if (!Array.isArray(value)) return false
  if (type !== 'bigint[]') return true
  const isWhole = (element: unknown) => element === null || /^-?\d+$/.test(String(element))
  return /^[\s\d,"[\]nul-]*$/.test(text) && value.every((each) => !Array.isArray(each) && isWhole(each))
}
