import type { AnyValue, KeyValue, LogRecord } from './otlp.ts'
import { parsePlainJson } from './plain_json.ts'
import { anyValueOf, type Exact, given, nanosOf, numberOf, type StoredRow, textOf } from './rebuild_value.ts'

/** A stored log as the LogRecord it was. */
export function rebuildLog(row: StoredRow, exact: Exact, attributes: KeyValue[] | undefined): LogRecord {
  const body = textOf(row.body)
  return given<LogRecord>({
    timeUnixNano: exact.time === undefined ? nanosOf(row.timestamp, row.timestamp_nanos) : undefined,
    observedTimeUnixNano: nanosOf(row.observed_timestamp, row.observed_nanos),
    severityNumber: numberOf(row.severity___severity_number),
    severityText: textOf(row.severity___severity_text),
    body: (exact.body as AnyValue) ?? (body === undefined ? undefined : anyValueOf(parsePlainJson(body))),
    attributes,
    droppedAttributesCount: numberOf(row.dropped_attributes_count),
    flags: numberOf(row.flags),
    traceId: textOf(row.context___trace_id),
    spanId: textOf(row.context___span_id),
    eventName: (exact.name as string) ?? textOf(row.name),
  })
}
