/**
 * The view a reference reads: the contract's columns over the files of a snapshot and the tail. What is stored once
 * (a span's start, `attributes` as a whole …) is put together here, and only where a statement asks for it: DuckDB
 * leaves out columns nobody needs.
 */
import type { Table, TableColumn } from '#schemas/tables/tables.ts'
import { STORED_COLUMN } from './attributes.ts'
import { TAIL_FUNCTION } from './tail_function.ts'

export interface ViewSource {
  readonly table: Table
  /** Of Parquet files. */
  readonly paths: readonly string[]
  /** Number of the scan the tail function is to give. */
  readonly tail: number
  /** True: `stored$attributes` and `stored$resource` come after the table's columns. */
  readonly withStored: boolean
  /** Lower-case names of the columns to give; null for all. */
  readonly only: ReadonlySet<string> | null
  /** Microseconds: rows before it are left out. */
  readonly since?: number
}

/** `CREATE OR REPLACE TEMP VIEW <name>` for a source. */
export function createViewSql(name: string, source: ViewSource): string {
  const { table, only } = source
  const stored = new Set(table.stored.map((column) => column.name))
  // A view has at least one column: `timestamp` does for `count(*)`.
  const wanted = table.columns.filter(({ name }) => only === null || only.has(name) || name === 'timestamp')
  const columns = wanted.map((column) => {
    const derived = derivedColumn(table, column.name)
    if (derived !== undefined) return `${derived} AS ${quoted(column.name)}`
    if (!stored.has(column.name)) throw new RangeError(`nothing tells how ${column.name} is made`)
    return quoted(column.name)
  })
  if (source.withStored) {
    for (const [scope, column] of Object.entries(STORED_COLUMN)) columns.push(`${quoted(scope)} AS ${quoted(column)}`)
  }
  const from = source.since === undefined ? '' : ` WHERE timestamp >= make_timestamptz(${source.since})`
  return `CREATE OR REPLACE TEMP VIEW ${quoted(name)} AS SELECT ${columns.join(', ')} FROM (${sourceSql(source)})${from}`
}

function sourceSql({ table, paths, tail }: ViewSource): string {
  const fromTail = table.stored.map(tailColumn).join(', ')
  const tailSql = `SELECT ${fromTail} FROM ${TAIL_FUNCTION}(${tail})`
  if (paths.length === 0) return tailSql
  const fromFiles = table.stored.map((column) => `CAST(${quoted(column.name)} AS ${column.type})`).join(', ')
  const parquet = `read_parquet([${paths.map(literal).join(', ')}], hive_partitioning = true, hive_types = {'date': DATE})`
  return `${tailSql} UNION ALL SELECT ${fromFiles} FROM ${parquet}`
}

/** The tail gives json and lists as JSON text. */
function tailColumn({ name, type }: TableColumn): string {
  const column = quoted(name)
  if (type === 'json') return `CAST(${column} AS json) AS ${column}`
  return type.endsWith('[]') ? `CAST(CAST(${column} AS json) AS ${type}) AS ${column}` : column
}

const IS_SPAN = "kind IN ('server', 'client', 'producer', 'consumer', 'internal')"

function derivedColumn(table: Table, name: string): string | undefined {
  if (name === 'attributes' || name === 'resource') return wholeObject(table, name)
  if (table.name !== 'otel_logs_and_spans') return undefined
  switch (name) {
    case 'start_time':
      return `CASE WHEN ${IS_SPAN} THEN timestamp END`
    case 'severity':
      return `CASE WHEN severity___severity_text IS NOT NULL OR severity___severity_number IS NOT NULL
        THEN json_object('severity_text', severity___severity_text,
          'severity_number', severity___severity_number) END`
    case 'context':
      return `CASE WHEN context___trace_id IS NOT NULL OR context___span_id IS NOT NULL
        THEN json_object('trace_id', context___trace_id, 'span_id', context___span_id,
          'trace_state', context___trace_state, 'trace_flags', context___trace_flags,
          'is_remote', context___is_remote) END`
    case 'summary':
      return SUMMARY
    default:
      return undefined
  }
}

const DURATION_WORDS = `CASE
  WHEN duration >= 1000000000 THEN round(duration / 1e9, 2) || ' s'
  WHEN duration >= 1000000 THEN round(duration / 1e6, 2) || ' ms'
  ELSE round(duration / 1e3, 2) || ' µs' END`

const MAX_SUMMARY_BODY = 500

/** The words of a list row: who, what, how it went. */
const SUMMARY = `list_filter(CASE WHEN ${IS_SPAN}
  THEN [resource___service___name, kind, name, attributes___http___request___method, attributes___url___path,
    CAST(attributes___http___response___status_code AS text), attributes___db___system___name,
    attributes___db___query___summary, nullif(status_code, 'UNSET'), status_message, ${DURATION_WORDS}]
  ELSE [level, resource___service___name, name,
    left(CASE WHEN json_type(body) = 'VARCHAR' THEN json_extract_string(body, '$') ELSE CAST(body AS text) END,
      ${MAX_SUMMARY_BODY}),
    attributes___exception___type, attributes___exception___message] END,
  lambda word: word IS NOT NULL AND word <> '')`

/**
 * The stored object and the promoted columns whose key is not in it, joined as text: no number is read and written
 * again, so none loses a digit. NULL where nothing was sent.
 */
function wholeObject(table: Table, scope: 'attributes' | 'resource'): string {
  const stored = quoted(scope)
  const promoted = [...table.promoted[scope]].map(([key, column]) => {
    const name = quoted(column.name)
    const pointer = `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
    const member = `${literal(`${JSON.stringify(key)}:`)} || CAST(to_json(${name}) AS text)`
    return `CASE WHEN ${name} IS NOT NULL AND NOT coalesce(json_exists(${stored}, ${literal(pointer)}), false)
      THEN ${member} END`
  })
  const inner = `nullif(substring(CAST(${stored} AS text), 2, length(CAST(${stored} AS text)) - 2), '')`
  const members = `nullif(concat_ws(',', ${[inner, ...promoted].join(', ')}), '')`
  return `CAST(coalesce('{' || ${members} || '}', CAST(${stored} AS text)) AS json)`
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
