/**
 * The texts of a batch's rows as a dictionary and one index a row, whatever they come from: so that a text is looked at
 * once for all the rows that have it. Views are kept as long as their column or batch, and shared by all filters.
 */
import type { Batch } from '#pipeline/batch/batch.ts'
import {
  type Column,
  type DictionaryColumn,
  entryBytes,
  entryText,
  isDictionary,
  isPresent,
  valueAt,
} from '#pipeline/batch/column.ts'
import { attributePaths } from '../tables/attribute_paths.ts'
import { doubleLiteral } from '../tables/pack_json.ts'
import { storedColumn } from '../tables/stored.ts'
import { tableOf } from '../tables/tables.ts'
import type { Operand } from './filter.ts'
import { foldCase } from './fold.ts'
import { type JsonPath, textAt } from './json_text.ts'

export interface TextView {
  /** By row; 0 is null, k is entry k-1. */
  readonly indexes: ArrayLike<number>
  readonly count: number
  text(entry: number): string
  /** The entry with its case folded. */
  folded(entry: number): string
}

const ofColumn = new WeakMap<DictionaryColumn, TextView>()
const ofBatch = new WeakMap<Batch, Map<string, TextView | null>>()

/** The texts of a text or json column. */
export function columnTexts(column: DictionaryColumn): TextView {
  let view = ofColumn.get(column)
  if (view === undefined) {
    view = viewOf(column.indexes, column.offsets.length - 1, (entry) => entryText(column, entry))
    ofColumn.set(column, view)
  }
  return view
}

/** The characters of json strings; other values as their JSON. What full text looks into. */
export function plainTexts(batch: Batch, name: string): TextView | null {
  return remembered(batch, `plain ${name}`, () => {
    const column = storedColumn(batch, name)
    if (column === null || !isDictionary(column)) return null
    const json = columnTexts(column)
    const plain = (text: string) => (text.trimStart()[0] === '"' ? (textAt(text, []) ?? '') : text)
    return viewOf(json.indexes, json.count, (entry) => plain(json.text(entry)))
  })
}

/** The texts at a path. @returns null where every row is null */
export function pathTexts(batch: Batch, operand: Extract<Operand, { kind: 'path' }>): TextView | null {
  const { column, keys } = operand
  return remembered(batch, `path ${column.name} ${JSON.stringify(keys)}`, () => {
    if (column.name === 'attributes' || column.name === 'resource') return attributeTexts(batch, column.name, keys)
    const stored = storedColumn(batch, column.name)
    return stored === null ? null : firstOf(batch.eventCount, [[{ column: stored, path: keys }]])
  })
}

function remembered(batch: Batch, key: string, make: () => TextView | null): TextView | null {
  let views = ofBatch.get(batch)
  if (views === undefined) {
    views = new Map()
    ofBatch.set(batch, views)
  }
  let view = views.get(key)
  if (view === undefined) {
    view = make()
    views.set(key, view)
  }
  return view
}

function viewOf(indexes: ArrayLike<number>, count: number, read: (entry: number) => string): TextView {
  const plain: string[] = []
  const folded: string[] = []
  const text = (entry: number) => (plain[entry] ??= read(entry))
  return { indexes, count, text, folded: (entry) => (folded[entry] ??= foldCase(text(entry))) }
}

/** A column, and the path below what it holds. */
interface Source {
  readonly column: Column
  readonly path: JsonPath
}

/**
 * The promoted column first, then each spelling of the path in what is stored: there the column of the first key, or, in
 * rows without it, the object of the rest.
 */
function attributeTexts(batch: Batch, scope: 'attributes' | 'resource', keys: JsonPath): TextView | null {
  const choices: Source[][] = []
  const promoted = tableOf(batch.signal).promoted[scope].get(keys.join('.'))
  const column = promoted === undefined ? null : storedColumn(batch, promoted.name)
  if (column !== null) choices.push([{ column, path: [] }])
  const rest = batch.columns.get(`${scope}.rest`)
  for (const path of attributePaths(keys)) {
    const [first, ...below] = path
    const own = first === 'rest' ? undefined : batch.columns.get(`${scope}.${first}`)
    const sources = own === undefined ? [] : [{ column: own, path: below }]
    if (rest !== undefined) sources.push({ column: rest, path: [...path] })
    if (sources.length > 0) choices.push(sources)
  }
  return choices.length === 0 ? null : firstOf(batch.eventCount, choices)
}

/** For each row the first text of the choices; of a choice, the first column that has a value in the row decides. */
function firstOf(rows: number, choices: readonly (readonly Source[])[]): TextView {
  const [[only, ...others], ...more] = choices
  if (others.length + more.length === 0 && only.column.type === 'text' && only.path.length === 0) {
    return columnTexts(only.column)
  }
  const readers = choices.map((sources) =>
    sources.map(({ column, path }) => ({ column, textOf: textReader(column, path) })),
  )
  const indexes = new Uint32Array(rows)
  const entries: string[] = []
  const seen = new Map<string, number>()
  for (let row = 0; row < rows; row++) {
    for (const sources of readers) {
      const text = sources.find(({ column }) => isPresent(column, row))?.textOf(row) ?? null
      if (text === null) continue
      let index = seen.get(text)
      if (index === undefined) {
        index = entries.push(text)
        seen.set(text, index)
      }
      indexes[row] = index
      break
    }
  }
  return viewOf(indexes, entries.length, (entry) => entries[entry])
}

/** The text of a row that has a value in the column; null where there is nothing at the path. */
function textReader(column: Column, path: JsonPath): (row: number) => string | null {
  if (!isDictionary(column)) return path.length > 0 ? () => null : (row) => scalarText(column, row)
  const read = (entry: number): string | null => {
    if (column.type === 'json') return textAt(columnTexts(column).text(entry), path)
    if (path.length > 0) return null
    return column.type === 'text'
      ? columnTexts(column).text(entry)
      : Buffer.from(entryBytes(column, entry)).toString('base64')
  }
  const memo: (string | null)[] = []
  return (row) => {
    const entry = column.indexes[row] - 1
    if (memo[entry] === undefined) memo[entry] = read(entry)
    return memo[entry]
  }
}

/** As `packJson` writes it and DuckDB reads it back. */
function scalarText(column: Column, row: number): string | null {
  const value = valueAt(column, row)
  if (value === null) return null
  return typeof value === 'number' ? textAt(doubleLiteral(value), []) : String(value)
}
