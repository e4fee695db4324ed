/** `attributes` and `resource` as SQL gives them: what is stored, and the promoted columns under their keys. */
import type { Batch } from '#pipeline/batch/batch.ts'
import {
  type Column,
  columnOf,
  type DictionaryColumn,
  entryCount,
  entryText,
  isDictionary,
  isPresent,
  valueAt,
} from '#pipeline/batch/column.ts'
import { doubleLiteral, packJson } from '#schemas/tables/pack_json.ts'
import { storedColumn } from '#schemas/tables/stored.ts'
import { tableOf } from '#schemas/tables/tables.ts'

/**
 * The objects of a batch's rows, as the view of the table puts them together (`sinks/lake/query/view.ts`): a value stored
 * under the key itself comes before the promoted column. @returns null where no row has a key
 */
export function wholeObjects(batch: Batch, scope: 'attributes' | 'resource'): Column | null {
  const columns = new Map<string, Column>()
  for (const [name, column] of batch.columns) if (name.startsWith(`${scope}.`)) columns.set(name, column)
  const rest = columns.get(`${scope}.rest`) as DictionaryColumn | undefined
  const restKeys = rest === undefined ? [] : keysOf(rest)
  for (const [key, { name }] of tableOf(batch.signal).promoted[scope]) {
    const promoted = storedColumn(batch, name)
    if (promoted === null) continue
    const own = columns.get(`${scope}.${key}`)
    const inRest = (row: number) => rest !== undefined && restKeys[rest.indexes[row]].has(key)
    const clash = own !== undefined || restKeys.some((keys) => keys.has(key))
    columns.set(`${scope}.${key}`, clash ? ownFirst(batch.eventCount, own, inRest, promoted) : promoted)
  }
  return packJson(columns, scope, batch.eventCount)
}

/** The keys of each entry, by index; those of null are none. */
function keysOf(rest: DictionaryColumn): readonly ReadonlySet<string>[] {
  const keys: ReadonlySet<string>[] = [new Set()]
  for (let entry = 0; entry < entryCount(rest); entry++)
    keys.push(new Set(Object.keys(JSON.parse(entryText(rest, entry)))))
  return keys
}

/** Rare: a value that did not fit its promoted column exactly is stored beside it. */
function ownFirst(rows: number, own: Column | undefined, inRest: (row: number) => boolean, promoted: Column): Column {
  const values = Array.from({ length: rows }, (_, row) => {
    if (own !== undefined && isPresent(own, row)) return jsonOf(own, row)
    return inRest(row) || !isPresent(promoted, row) ? null : jsonOf(promoted, row)
  })
  return columnOf('json', values)
}

function jsonOf(column: Column, row: number): string {
  const value = valueAt(column, row)
  if (isDictionary(column) && column.type === 'json') return value as string
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'))
  if (typeof value === 'number') return doubleLiteral(value)
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
}
