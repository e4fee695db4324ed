/** An event as a row of the list shows it, made of a row of `otel_logs_and_spans`. */
import type { Row } from '../api/ask.ts'
import { type Column, isUsual, valueIn } from './columns.ts'

export interface ListedEvent {
  readonly id: string
  /** Unix milliseconds. */
  readonly at: number
  /** As stored: ISO 8601 with microseconds. */
  readonly timestamp: string
  /** `TRACE` … `FATAL`; empty for a span that did not fail. */
  readonly level: string
  readonly service: string
  /** `log`, or the kind of the span. */
  readonly kind: string
  readonly title: string
  /** The first few attributes, values cut. */
  readonly pairs: readonly (readonly [key: string, value: string])[]
  /** Of a span, milliseconds. */
  readonly durationMs: number | null
  readonly traceId: string | null
  /** Values of the columns beyond the usual ones, by name; long texts are cut. */
  readonly more?: Readonly<Record<string, unknown>>
}

/** What the list reads of an event; a tail sends these, too. */
export const LISTED_COLUMNS = [
  'id',
  'timestamp',
  'level',
  'kind',
  'name',
  'resource___service___name',
  'duration',
  'body',
  'attributes',
  'context___trace_id',
] as const

const MAX_PAIRS = 8
const MAX_VALUE_CHARACTERS = 80
const MAX_TITLE_CHARACTERS = 600
const MAX_MORE_CHARACTERS = 1_000
/** Said by the title and the drawer; too long for a line. */
const NOT_LISTED = /^(exception\.(stacktrace|message)|code\.|thread\.)/

/** @param columns of the list: those beyond the usual ones are read, too */
export function listedEvent(row: Row, columns: readonly Column[] = []): ListedEvent {
  const text = (column: (typeof LISTED_COLUMNS)[number]) => (row[column] as string | null) ?? ''
  const attributes = (row.attributes ?? {}) as Readonly<Record<string, unknown>>
  return {
    id: text('id'),
    at: Date.parse(text('timestamp')),
    timestamp: text('timestamp'),
    level: text('level'),
    service: text('resource___service___name'),
    kind: text('kind'),
    title: titleOf(row, attributes).slice(0, MAX_TITLE_CHARACTERS),
    pairs: Object.entries(attributes)
      .filter(([key]) => !NOT_LISTED.test(key))
      .slice(0, MAX_PAIRS)
      .map(([key, value]) => [key, cut(shownValue(value))] as const),
    durationMs: row.duration === null || row.duration === undefined ? null : Number(row.duration) / 1e6,
    traceId: (row.context___trace_id as string | null) ?? null,
    more: moreOf(row, columns),
  }
}

/** Of a row, what the columns beyond the usual ones show. */
export function moreOf(row: Row, columns: readonly Column[]): ListedEvent['more'] {
  const extra = columns.filter(({ name }) => !isUsual(name))
  if (extra.length === 0) return undefined
  return Object.fromEntries(
    extra.map((column) => {
      const value = valueIn(row, column)
      const plain = typeof value === 'object' && value !== null ? JSON.stringify(value) : value
      return [column.name, typeof plain === 'string' ? plain.slice(0, MAX_MORE_CHARACTERS) : plain]
    }),
  )
}

/** What has to be read of the table for these columns of the list. */
export function readColumns(columns: readonly Column[]): string[] {
  return [...new Set([...LISTED_COLUMNS, ...columns.map(({ source }) => source)])]
}

function titleOf({ body, name }: Row, attributes: Readonly<Record<string, unknown>>): string {
  if (body !== null && body !== undefined && body !== '') return oneLine(shownValue(body))
  if (name) return String(name)
  const { 'exception.type': type, 'exception.message': message } = attributes
  return [type, message].filter(Boolean).join(': ')
}

/** A value as text: text as it is, the rest as JSON. */
export function shownValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const oneLine = (text: string) => text.replaceAll(/\s*\n\s*/g, ' ⏎ ')
const cut = (text: string) =>
  oneLine(text.length > MAX_VALUE_CHARACTERS ? `${text.slice(0, MAX_VALUE_CHARACTERS)}…` : text)

/** How loud a row is: failed spans count as errors. */
export function severityOf({ level }: { readonly level: string }): 'fatal' | 'error' | 'warn' | 'debug' | 'info' {
  switch (level) {
    case 'FATAL':
      return 'fatal'
    case 'ERROR':
      return 'error'
    case 'WARN':
      return 'warn'
    case 'DEBUG':
    case 'TRACE':
      return 'debug'
    default:
      return 'info'
  }
}
