/** Reads exports the way a stage does, and gives rows as plain objects without nulls. */
import type { Signal } from '#pipeline/batch/batch.ts'
import { type Value, valueAt } from '#pipeline/batch/column.ts'
import type { KeyValue, LogRecord, Metric, Span } from '../otlp.ts'
import { ExportReader, type ReadEvents } from '../wire_export.ts'
import { type Export, eventsOf } from './by_value.ts'
import { encodeExport, START_MICROS } from './raw.ts'

export type Row = Record<string, Value>

export function readBytes(signal: Signal, body: Uint8Array, eventCount: number): ReadEvents {
  const reader = new ExportReader(signal)
  reader.read({ eventCount, refused: [], receivedAt: START_MICROS }, () => body)
  return reader.finish()
}

export function rowsOf({ columns, rows }: ReadEvents): Row[] {
  return Array.from({ length: rows }, (_, row) => {
    const values = [...columns].map(([name, column]) => [name, valueAt(column, row)] as const)
    return Object.fromEntries(values.filter(([, value]) => value !== null))
  })
}

export function readRows(signal: Signal, request: Export): Row[] {
  return rowsOf(readBytes(signal, encodeExport(request, signal), eventsOf(request, signal).length))
}

/** The only row of an export with one event. */
export function readLog(record: LogRecord): Row {
  return readRows('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] })[0]
}

export function readSpan(span: Span): Row {
  return readRows('traces', { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] })[0]
}

export function readMetric(metric: Metric): Row[] {
  return readRows('metrics', { resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] })
}

/** Attributes of text, integers (bigint), doubles (number) and booleans. */
export function attributes(object: Readonly<Record<string, string | bigint | number | boolean>>): KeyValue[] {
  return Object.entries(object).map(([key, value]) => {
    if (typeof value === 'string') return { key, value: { stringValue: value } }
    if (typeof value === 'bigint') return { key, value: { intValue: String(value) } }
    return { key, value: typeof value === 'number' ? { doubleValue: value } : { boolValue: value } }
  })
}
