/**
 * OTLP messages as OTLP/JSON writes them (opentelemetry-proto `docs/specification.md`, "JSON Protobuf Encoding"): ids are
 * hex, 64-bit integers are decimal text, bytes are base64, enums are numbers. A field that is left out has its default.
 */

/** A double; JSON has no number for the last three. */
export type Double = number | 'NaN' | 'Infinity' | '-Infinity'

/** One member, or none for a value that is not set. `intValue` is an int64 as decimal text. */
export interface AnyValue {
  stringValue?: string
  boolValue?: boolean
  intValue?: string
  doubleValue?: Double
  arrayValue?: { values?: AnyValue[] }
  kvlistValue?: { values?: KeyValue[] }
  bytesValue?: string
}

export interface KeyValue {
  key?: string
  value?: AnyValue
}

export interface EntityRef {
  schemaUrl?: string
  type?: string
  idKeys?: string[]
  descriptionKeys?: string[]
}

export interface Resource {
  attributes?: KeyValue[]
  droppedAttributesCount?: number
  entityRefs?: EntityRef[]
}

export interface Scope {
  name?: string
  version?: string
  attributes?: KeyValue[]
  droppedAttributesCount?: number
}

export interface LogRecord {
  timeUnixNano?: string
  observedTimeUnixNano?: string
  severityNumber?: number
  severityText?: string
  body?: AnyValue
  attributes?: KeyValue[]
  droppedAttributesCount?: number
  flags?: number
  traceId?: string
  spanId?: string
  eventName?: string
}

export interface SpanEvent {
  timeUnixNano?: string
  name?: string
  attributes?: KeyValue[]
  droppedAttributesCount?: number
}

export interface SpanLink {
  traceId?: string
  spanId?: string
  traceState?: string
  attributes?: KeyValue[]
  droppedAttributesCount?: number
  flags?: number
}

export interface Span {
  traceId?: string
  spanId?: string
  traceState?: string
  parentSpanId?: string
  flags?: number
  name?: string
  kind?: number
  startTimeUnixNano?: string
  endTimeUnixNano?: string
  attributes?: KeyValue[]
  droppedAttributesCount?: number
  events?: SpanEvent[]
  droppedEventsCount?: number
  links?: SpanLink[]
  droppedLinksCount?: number
  status?: { message?: string; code?: number }
}

export interface Exemplar {
  filteredAttributes?: KeyValue[]
  timeUnixNano?: string
  asDouble?: Double
  asInt?: string
  spanId?: string
  traceId?: string
}

export interface Buckets {
  offset?: number
  bucketCounts?: string[]
}

/** The union of all kinds of data points; which members are used follows from the kind of the metric. */
export interface DataPoint {
  attributes?: KeyValue[]
  startTimeUnixNano?: string
  timeUnixNano?: string
  flags?: number
  exemplars?: Exemplar[]
  asDouble?: Double
  asInt?: string
  count?: string
  sum?: Double
  min?: Double
  max?: Double
  bucketCounts?: string[]
  explicitBounds?: Double[]
  scale?: number
  zeroCount?: string
  zeroThreshold?: Double
  positive?: Buckets
  negative?: Buckets
  quantileValues?: { quantile?: Double; value?: Double }[]
}

export interface Metric {
  name?: string
  description?: string
  unit?: string
  metadata?: KeyValue[]
  gauge?: { dataPoints?: DataPoint[] }
  sum?: { dataPoints?: DataPoint[]; aggregationTemporality?: number; isMonotonic?: boolean }
  histogram?: { dataPoints?: DataPoint[]; aggregationTemporality?: number }
  exponentialHistogram?: { dataPoints?: DataPoint[]; aggregationTemporality?: number }
  summary?: { dataPoints?: DataPoint[] }
}

export interface LogsExport {
  resourceLogs?: {
    resource?: Resource
    scopeLogs?: { scope?: Scope; logRecords?: LogRecord[]; schemaUrl?: string }[]
    schemaUrl?: string
  }[]
}

export interface TracesExport {
  resourceSpans?: {
    resource?: Resource
    scopeSpans?: { scope?: Scope; spans?: Span[]; schemaUrl?: string }[]
    schemaUrl?: string
  }[]
}

export interface MetricsExport {
  resourceMetrics?: {
    resource?: Resource
    scopeMetrics?: { scope?: Scope; metrics?: Metric[]; schemaUrl?: string }[]
    schemaUrl?: string
  }[]
}
