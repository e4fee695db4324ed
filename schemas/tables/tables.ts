/**
 * The two SQL tables: the columns people query (`*.tsv`, the contract) and the columns that are stored.
 *
 * They differ because a value is stored once: what another column already says (a span's `start_time`, the `severity`
 * object) is computed by the view, and `attributes` and `resource` are stored without their promoted keys. What OTLP
 * carries beyond the contract (scope, flags, dropped counts …) is stored in columns of our own.
 */
import { readFileSync } from 'node:fs'
import type { Signal } from '#pipeline/batch/batch.ts'

export type SqlType =
  | 'text'
  | 'json'
  | 'date'
  | 'timestamptz'
  | 'integer'
  | 'bigint'
  | 'double precision'
  | 'boolean'
  | 'text[]'
  | 'bigint[]'
  | 'double precision[]'

export interface TableColumn {
  readonly name: string
  readonly type: SqlType
  readonly nullable: boolean
}

export interface Table {
  readonly name: 'otel_logs_and_spans' | 'otel_metrics'
  /** What SQL sees, in the contract's order; our own columns after it. */
  readonly columns: readonly TableColumn[]
  /** What the Delta table has. `date` is its partition column. */
  readonly stored: readonly TableColumn[]
  /**
   * OTLP attribute keys that have a column, by scope: `attributes` maps `http.route` to
   * `attributes___http___route`, `resource` maps `service.name` to `resource___service___name`.
   */
  readonly promoted: {
    readonly attributes: ReadonlyMap<string, TableColumn>
    readonly resource: ReadonlyMap<string, TableColumn>
  }
}

const text = (name: string): TableColumn => ({ name, type: 'text', nullable: true })
const json = (name: string): TableColumn => ({ name, type: 'json', nullable: true })
const integer = (name: string): TableColumn => ({ name, type: 'integer', nullable: true })
const bigint = (name: string): TableColumn => ({ name, type: 'bigint', nullable: true })

/**
 * What both tables keep beside the contract. `*_nanos` are the 0–999 ns that the microseconds of the column before it
 * leave out. `otlp_exact` is null for nearly every row; it holds what the other columns cannot say without loss
 * (see `otlp/EXACT.md`).
 */
const OWN_COLUMNS: readonly TableColumn[] = [
  integer('timestamp_nanos'),
  json('scope___attributes'),
  bigint('scope___dropped_attributes_count'),
  bigint('resource___dropped_attributes_count'),
  json('otlp_exact'),
]

const EVENT_COLUMNS: readonly TableColumn[] = [
  ...OWN_COLUMNS,
  integer('observed_nanos'),
  integer('end_nanos'),
  text('scope___name'),
  text('scope___version'),
  text('scope___schema_url'),
  text('resource___schema_url'),
  bigint('flags'),
  bigint('dropped_attributes_count'),
  bigint('dropped_events_count'),
  bigint('dropped_links_count'),
]

const METRIC_COLUMNS: readonly TableColumn[] = [...OWN_COLUMNS, integer('start_nanos'), json('metric_metadata')]

/** Contract columns the view computes from others. */
const EVENT_DERIVED = new Set(['start_time', 'severity', 'context', 'summary'])

export const otelLogsAndSpans = table('otel_logs_and_spans', EVENT_COLUMNS, EVENT_DERIVED)
export const otelMetrics = table('otel_metrics', METRIC_COLUMNS, new Set())
export const TABLES: readonly Table[] = [otelLogsAndSpans, otelMetrics]

export function tableOf(signal: Signal): Table {
  return signal === 'metrics' ? otelMetrics : otelLogsAndSpans
}

function table(name: Table['name'], own: readonly TableColumn[], derived: ReadonlySet<string>): Table {
  const lines = readFileSync(new URL(`./${name}.tsv`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
  const contract = lines.map((line): TableColumn => {
    const [column, type, nullable] = line.split('\t')
    return { name: column, type: type as SqlType, nullable: nullable === 'yes' }
  })
  const promoted = (scope: string) =>
    new Map(
      contract
        .filter((column) => column.name.startsWith(`${scope}___`))
        .map((column) => [attributeKey(column.name.slice(scope.length + 3)), column] as const),
    )
  return {
    name,
    columns: [...contract, ...own],
    stored: [...contract.filter((column) => !derived.has(column.name)), ...own],
    promoted: { attributes: promoted('attributes'), resource: promoted('resource') },
  }
}

/** `http___request___method_original` is `http.request.method_original`; the contract writes some dots as `__`. */
function attributeKey(column: string): string {
  return column.replaceAll(/_{2,3}/g, '.')
}
