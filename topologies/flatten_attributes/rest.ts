/**
 * Promoted keys that found no column (the batch has more than 256, or one of another type under that key) are in the
 * JSON objects of `<scope>.rest`. Here they become columns of their own, so that what a row shows does not depend on
 * which other rows came before it.
 */
import type { Batch } from '#pipeline/batch/batch.ts'
import {
  type Column,
  columnOf,
  type DictionaryColumn,
  entryCount,
  entryText,
  type Value,
} from '#pipeline/batch/column.ts'
import { parsePlainJson } from '#schemas/otlp/plain_json.ts'
import { convertValue } from './convert.ts'
import type { Target } from './promotion.ts'

export interface RestValues {
  /** Of the target's type; null where the value does not convert without loss. */
  readonly column: Column
  /** True where the row's rest has the key, whatever its value. */
  readonly has: (row: number) => boolean
}

/** By `<scope>.<key>`: what `<scope>.rest` holds of it. */
export function restValues(batch: Batch, targets: readonly Target[]): ReadonlyMap<string, RestValues> {
  const columns = new Map<string, RestValues>()
  for (const scope of ['attributes', 'resource'] as const) {
    const rest = batch.columns.get(`${scope}.rest`)
    if (rest?.type !== 'json') continue
    const types = new Map<string, Target['type']>()
    for (const target of targets) {
      if (target.scope !== scope) continue
      for (const { key } of [target, ...target.older]) types.set(key, target.type)
    }
    addColumns(columns, scope, rest, types)
  }
  return columns
}

function addColumns(
  columns: Map<string, RestValues>,
  scope: string,
  rest: DictionaryColumn,
  types: ReadonlyMap<string, Target['type']>,
): void {
  const found = new Map<string, Map<number, Value>>()
  for (let entry = 0; entry < entryCount(rest); entry++) {
    for (const [key, value] of promotedMembers(entryText(rest, entry), types)) {
      const values = found.get(key) ?? new Map<number, Value>()
      found.set(key, values.set(entry + 1, convertValue(value, types.get(key)!)))
    }
  }
  for (const [key, values] of found) {
    const type = types.get(key) === 'text' ? 'text' : 'long'
    const rows = Array.from(rest.indexes, (index) => values.get(index) ?? null)
    columns.set(`${scope}.${key}`, { column: columnOf(type, rows), has: (row) => values.has(rest.indexes[row]) })
  }
}

/** Most objects have none of these keys: that is found out before they are parsed with care. */
function promotedMembers(text: string, types: ReadonlyMap<string, unknown>): (readonly [string, Value])[] {
  if (!Object.keys(JSON.parse(text)).some((key) => types.has(key))) return []
  return Object.entries(parsePlainJson(text) as Record<string, Value>).filter(([key]) => types.has(key))
}
