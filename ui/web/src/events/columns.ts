/** The columns of the list: any column of the table, any path into one of its json columns, and the message, in any order. */
import { attributePaths } from '#schemas/tables/attribute_paths.ts'
import type { SqlType, TableColumn } from '#schemas/tables/tables.ts'
import type { Row } from '../api/ask.ts'

export interface Column {
  /** As the URL and the filter language name it; `message` is the list's own. */
  readonly name: string
  readonly title: string
  /** The table column that holds its values. */
  readonly source: string
  /** Where in that column, for a path. */
  readonly keys: readonly string[]
  readonly type: SqlType
}

export const SERVICE = 'resource___service___name'
const TITLES: Readonly<Record<string, string>> = {
  timestamp: 'Time, UTC',
  level: 'Level',
  [SERVICE]: 'Service',
  kind: 'Kind',
  message: 'Name or message',
  duration: 'Duration',
}
/** What a list shows until told otherwise; these the row draws in ways of their own. */
export const USUAL_COLUMNS: readonly string[] = Object.keys(TITLES)
export const isUsual = (name: string): boolean => Object.hasOwn(TITLES, name)
/** A list wider than any screen helps nobody, and each column is asked for. */
export const MAX_COLUMNS = 24

export const isNumber = ({ type }: Pick<TableColumn, 'type'>): boolean =>
  /^(integer|bigint|double precision)$/.test(type)

const PATH = /^(\w+)((?:->'(?:[^']|'')+')*)->>'((?:[^']|'')+)'$/
const unquoted = (text: string) => text.replaceAll("''", "'")

/** The column of that name, `null` where the table has none. @param table its stored columns */
export function columnNamed(name: string, table: readonly TableColumn[]): Column | null {
  const plain = name.trim()
  if (plain === 'message') return { name: plain, title: TITLES.message, source: 'body', keys: [], type: 'json' }
  const [, source = plain, between = '', last] = PATH.exec(plain) ?? []
  const column = table.find((each) => each.name === source)
  if (column === undefined || (last !== undefined && column.type !== 'json')) return null
  const keys =
    last === undefined
      ? []
      : [...between.matchAll(/->'((?:[^']|'')+)'/g)].map(([, key]) => unquoted(key)).concat(unquoted(last))
  const type = last === undefined ? column.type : 'text'
  return { name: plain, title: TITLES[plain] ?? titleOf(source, keys), source, keys, type }
}

/** `attributes___http___request___method` is read as OpenTelemetry writes it. */
function titleOf(source: string, keys: readonly string[]): string {
  if (keys.length > 0) return keys.join('.')
  return source.replace(/^(attributes|context)___/, '').replaceAll(/_{2,3}/g, '.')
}

/** What a row of the table has there: `null` for nothing. */
export function valueIn(row: Row, { source, keys }: Column): unknown {
  const whole = row[source] ?? null
  if (keys.length === 0 || whole === null) return whole
  for (const path of attributePaths(keys)) {
    const found = path.reduce<unknown>((value, key) => (value as Row | null | undefined)?.[key], whole)
    if (found !== undefined && found !== null) return found
  }
  return null
}

/** The same columns with one taken elsewhere. */
export function moved(names: readonly string[], from: number, to: number): string[] {
  const place = Math.max(0, Math.min(names.length - 1, to))
  return names.toSpliced(from, 1).toSpliced(place, 0, names[from])
}

/** A new column stands before the message, which takes what is left. */
export function withColumn(names: readonly string[], name: string): string[] {
  const message = names.indexOf('message')
  return message < 0 ? [...names, name] : names.toSpliced(message, 0, name)
}
