/**
 * When two OTLP events are the same: for protobuf a field with its default is a field not sent, and the order of attributes
 * says nothing (that of entries with the same key does).
 */
import type { Signal } from '#pipeline/batch/batch.ts'
import type { AnyValue, DataPoint, KeyValue, LogsExport, Metric, MetricsExport, TracesExport } from '../otlp.ts'
import type { RebuiltEvent } from '../rebuild.ts'

export type Export = LogsExport | TracesExport | MetricsExport

/** The events of an export in order, each with its resource and scope; a metric once for each of its points. */
export function eventsOf(request: Export, signal: Signal): RebuiltEvent[] {
  const [resources, scopes, items] = {
    logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
    traces: ['resourceSpans', 'scopeSpans', 'spans'],
    metrics: ['resourceMetrics', 'scopeMetrics', 'metrics'],
  }[signal]
  // biome-ignore lint/suspicious/noExplicitAny: the three signals nest alike under different names
  const list = (object: any, name: string): any[] => object[name] ?? []
  return list(request, resources).flatMap((group) =>
    list(group, scopes).flatMap((scoped) =>
      list(scoped, items)
        .flatMap((item) => (signal === 'metrics' ? pointsOf(item) : [item]))
        .map((event) => ({
          resource: group.resource ?? {},
          resourceSchemaUrl: group.schemaUrl,
          scope: scoped.scope ?? {},
          scopeSchemaUrl: scoped.schemaUrl,
          event,
        })),
    ),
  )
}

const DATA = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'] as const

function pointsOf(metric: Metric): Metric[] {
  return DATA.flatMap((name) => {
    const data = metric[name]
    return (data?.dataPoints ?? []).map((point): Metric => ({ ...metric, [name]: { ...data, dataPoints: [point] } }))
  })
}

/** Fields where 0 is not the same as nothing. */
const OPTIONAL = new Set(['asInt', 'asDouble', 'sum', 'min', 'max'])
const ATTRIBUTES = new Set(['attributes', 'filteredAttributes', 'metadata'])

/** The same for messages that say the same; for `deepStrictEqual`. */
export function byValue(message: object): object {
  const result: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(message)) {
    const normal = normalField(name, value)
    if (!isDefault(name, normal)) result[name] = normal
  }
  return result
}

function normalField(name: string, value: unknown): unknown {
  if (ATTRIBUTES.has(name)) return keyValues(value as KeyValue[])
  if (name === 'body') return anyValue(value as AnyValue)
  if (name === 'summary')
    return byValue({ dataPoints: (value as { dataPoints: DataPoint[] }).dataPoints.map(summaryPoint) })
  if (Array.isArray(value)) return value.map((item) => (typeof item === 'object' ? byValue(item) : item))
  return typeof value === 'object' && value !== null ? byValue(value) : value
}

/** Only here is a sum of 0 one that was not sent. */
function summaryPoint({ sum, ...point }: DataPoint): DataPoint {
  return sum === 0 ? point : { ...point, sum }
}

function isDefault(name: string, value: unknown): boolean {
  if (value === undefined || value === '' || value === false) return true
  if (value === 0 || value === '0') return !OPTIONAL.has(name)
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

function keyValues(entries: readonly KeyValue[] = []): KeyValue[] {
  return entries
    .map(({ key, value }) => ({ key: key ?? '', value: anyValue(value) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}

function anyValue(value: AnyValue = {}): AnyValue {
  if (value.kvlistValue !== undefined) return { kvlistValue: { values: keyValues(value.kvlistValue.values) } }
  if (value.arrayValue !== undefined) return { arrayValue: { values: (value.arrayValue.values ?? []).map(anyValue) } }
  return value
}
