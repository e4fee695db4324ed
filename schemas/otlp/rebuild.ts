/**
 * A stored row back into the OTLP it was: the proof that nothing is lost, and the base of an export. A field that had its
 * default (0, empty) and one that was not sent are the same to protobuf, and are left out here.
 */
import type { Signal } from '#pipeline/batch/batch.ts'
import { tableOf } from '#schemas/tables/tables.ts'
import type { KeyValue, LogRecord, Metric, Resource, Scope, Span } from './otlp.ts'
import { rebuildLog } from './rebuild_log.ts'
import { rebuildMetric } from './rebuild_metric.ts'
import { rebuildSpan } from './rebuild_span.ts'
import { type Exact, given, keyValues, numberOf, type StoredRow, textOf } from './rebuild_value.ts'
import { type Scope as AttributeScope, OLDER_SPELLINGS } from './semantic_conventions.ts'

export type { StoredRow } from './rebuild_value.ts'

/** One event with all that OTLP says around it. `event` of metrics is the metric with one data point. */
export interface RebuiltEvent {
  readonly resource: Resource
  readonly resourceSchemaUrl: string | undefined
  readonly scope: Scope
  readonly scopeSchemaUrl: string | undefined
  readonly event: LogRecord | Span | Metric
}

export function rebuildEvent(row: StoredRow, signal: Signal): RebuiltEvent {
  const exact: Exact = JSON.parse(textOf(row.otlp_exact) ?? '{}')
  const joint = signal === 'metrics' ? '_' : '___'
  const rebuild = { logs: rebuildLog, traces: rebuildSpan, metrics: rebuildMetric }[signal]
  return {
    resource: given<Resource>({
      attributes: rebuildAttributes(row, signal, 'resource', exact.resource),
      droppedAttributesCount: numberOf(row.resource___dropped_attributes_count),
      entityRefs: exact.entityRefs,
    }),
    resourceSchemaUrl: textOf(row[`resource${joint}schema_url`]),
    scope: given<Scope>({
      name: textOf(row[`scope${joint}name`]),
      version: textOf(row[`scope${joint}version`]),
      attributes: exact.scope ?? keyValues(row.scope___attributes),
      droppedAttributesCount: numberOf(row.scope___dropped_attributes_count),
    }),
    scopeSchemaUrl: textOf(row[`scope${joint}schema_url`]),
    event: rebuild(row, exact, rebuildAttributes(row, signal, 'attributes', exact.attributes)),
  }
}

/**
 * What is in the JSON object was sent as it stands there; a promoted value whose key, older spellings of it included, is
 * not there was sent as it stands in its column; keys that `otlp_exact` names were sent as it says.
 */
function rebuildAttributes(
  row: StoredRow,
  signal: Signal,
  scope: AttributeScope,
  exact: KeyValue[] = [],
): KeyValue[] | undefined {
  const plain = new Map((keyValues(row[scope]) ?? []).map((entry) => [entry.key!, entry.value!]))
  const values = new Map(plain)
  for (const [key, { name }] of tableOf(signal).promoted[scope]) {
    const value = row[name]
    const spellings = [key, ...(OLDER_SPELLINGS[scope].get(key) ?? []).map((older) => older.key)]
    if (value === null || value === undefined || spellings.some((spelling) => plain.has(spelling))) continue
    values.set(key, typeof value === 'bigint' ? { intValue: String(value) } : { stringValue: String(value) })
  }
  for (const { key } of exact) values.delete(key!)
  const entries = [...[...values].map(([key, value]) => ({ key, value })), ...exact]
  return entries.length === 0 ? undefined : entries
}
