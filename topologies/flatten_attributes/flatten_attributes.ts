/**
 * Attributes that have a column of their own in the table get it. Mostly that is another name for the same column, and no
 * value is touched.
 *
 * What an event's columns are depends on that event alone, not on its neighbours in the batch. A value leaves
 * `attributes` only if the promoted column says all of it: sent under today's key, in the column's type, and without an
 * older spelling beside it (see "Columns of an events batch" in `schemas/tables/README.md`).
 */
import { type Batch, withColumns } from '#pipeline/batch/batch.ts'
import { type Column, columnOf, isPresent, type Value, valueAt } from '#pipeline/batch/column.ts'
import { convertColumn, masked } from './convert.ts'
import type { Target } from './promotion.ts'
import { type RestValues, restValues } from './rest.ts'

/** Where a target's values may come from. */
interface Source {
  readonly converted: Column | null
  /** The column as it is in the batch; `null` for values in `<scope>.rest`, which stay there. */
  readonly original: Column | null
  /** True where the row has the key, whatever its value. */
  readonly has: (row: number) => boolean
  readonly primary: boolean
}

export function flatten(batch: Batch, targets: readonly Target[]): Batch {
  if (batch.eventCount === 0) return batch
  const rest = restValues(batch, targets)
  const changes: [string, Column | null][] = []
  for (const target of targets) {
    const name = `${target.scope}.${target.key}`
    const sources = sourcesOf(batch, target, rest)
    if (sources.length === 0) continue
    const promoted = coalesce(sources, batch.eventCount)
    if (promoted !== null) changes.push([target.column, promoted])
    const [first] = sources
    if (first.primary && first.original !== null) changes.push([name, remaining(sources, batch.eventCount)])
  }
  return changes.length === 0 ? batch : withColumns(batch, changes)
}

function sourcesOf(batch: Batch, target: Target, rest: ReadonlyMap<string, RestValues>): Source[] {
  const sources: Source[] = []
  for (const spelling of [{ key: target.key }, ...target.older]) {
    const name = `${target.scope}.${spelling.key}`
    const convert = 'convert' in spelling ? spelling.convert : undefined
    const primary = spelling.key === target.key
    const original = batch.columns.get(name)
    if (original !== undefined) {
      const has = (row: number): boolean => isPresent(original, row)
      sources.push({ converted: convertColumn(original, target.type, convert), original, has, primary })
    }
    const scattered = rest.get(name)
    if (scattered !== undefined) {
      const { column, has } = scattered
      sources.push({ converted: convertColumn(column, target.type, convert), original: null, has, primary })
    }
  }
  return sources
}

/** By row the first value there is. */
function coalesce(sources: readonly Source[], rows: number): Column | null {
  const columns = sources.flatMap(({ converted }) => (converted === null ? [] : [converted]))
  if (columns.length <= 1) return columns[0] ?? null
  const values = Array.from({ length: rows }, (_, row): Value => {
    for (const column of columns) if (isPresent(column, row)) return valueAt(column, row)
    return null
  })
  return columnOf(columns[0].type, values)
}

/** What stays under the primary key: values not said in full by the promoted column, or with others beside them. */
function remaining([primary, ...others]: readonly Source[], rows: number): Column | null {
  const original = primary.original!
  const { converted } = primary
  if (converted === null || converted.type !== original.type) return original
  if (converted === original && others.length === 0) return null
  return masked(original, rows, (row) => !isPresent(converted, row) || others.some((other) => other.has(row)))
}
