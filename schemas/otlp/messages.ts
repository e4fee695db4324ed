/**
 * The messages of OTLP 1.x as a table: field numbers, names and types of opentelemetry-proto
 * (`opentelemetry/proto/{common,resource,logs,trace,metrics}/v1`). What checks protobuf bytes (`inspect.ts`) and what
 * turns JSON into them (`json.ts`) are both driven by it. Profiles' fields are left out: unknown fields are skipped.
 */
import type { Signal } from '#pipeline/batch/batch.ts'

/** Protobuf's scalar types; `hex` is bytes that OTLP/JSON writes as hexadecimal instead of base64. */
export type Kind =
  | 'string'
  | 'bytes'
  | 'hex'
  | 'bool'
  | 'enum'
  | 'uint32'
  | 'sint32'
  | 'fixed32'
  | 'int64'
  | 'uint64'
  | 'fixed64'
  | 'sfixed64'
  | 'double'
  | 'message'

export interface Field {
  readonly number: number
  /** As in the .proto file; JSON has it in lowerCamelCase. */
  readonly name: string
  readonly kind: Kind
  readonly repeated: boolean
  /** What a field of kind `message` holds. */
  readonly message?: Message
  /** The numbers of an enum's names. */
  readonly names?: ReadonlyMap<string, number>
}

export interface Message {
  readonly name: string
  readonly fields: readonly Field[]
}

/** A field by its name: `key: [1, 'string']`, `attributes: [3, KEY_VALUE, 'repeated']`. */
type Declaration = readonly [
  number: number,
  type: Exclude<Kind, 'message' | 'enum'> | Message | ReadonlyMap<string, number>,
  repeated?: 'repeated',
]

function define(name: string, declarations: Record<string, Declaration>): Message {
  const fields = Object.entries(declarations).map(([field, [number, type, repeated]]): Field => {
    const base = { number, name: field, repeated: repeated !== undefined }
    if (typeof type === 'string') return { ...base, kind: type }
    if (type instanceof Map) return { ...base, kind: 'enum', names: type }
    return { ...base, kind: 'message', message: type as Message }
  })
  return { name, fields }
}

/** An enum whose values are 0, 1, 2 … in this order. */
function enumeration(prefix: string, names: readonly string[]): ReadonlyMap<string, number> {
  return new Map(names.map((name, value) => [prefix + name, value]))
}

const SPAN_KIND = enumeration('SPAN_KIND_', ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'])
const STATUS_CODE = enumeration('STATUS_CODE_', ['UNSET', 'OK', 'ERROR'])
const TEMPORALITY = enumeration('AGGREGATION_TEMPORALITY_', ['UNSPECIFIED', 'DELTA', 'CUMULATIVE'])
const SEVERITY_NUMBER = enumeration('SEVERITY_NUMBER_', [
  'UNSPECIFIED',
  ...['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((level) => [
    level,
    `${level}2`,
    `${level}3`,
    `${level}4`,
  ]),
])

/** The one message that may nest in itself: the readers bound its depth by {@link MAX_VALUE_DEPTH}. */
export const ANY_VALUE: Message = { name: 'AnyValue', fields: [] }
export const KEY_VALUE = define('KeyValue', { key: [1, 'string'], value: [2, ANY_VALUE] })
const ARRAY_VALUE = define('ArrayValue', { values: [1, ANY_VALUE, 'repeated'] })
const KEY_VALUE_LIST = define('KeyValueList', { values: [1, KEY_VALUE, 'repeated'] })
Object.assign(
  ANY_VALUE,
  define('AnyValue', {
    string_value: [1, 'string'],
    bool_value: [2, 'bool'],
    int_value: [3, 'int64'],
    double_value: [4, 'double'],
    array_value: [5, ARRAY_VALUE],
    kvlist_value: [6, KEY_VALUE_LIST],
    bytes_value: [7, 'bytes'],
  }),
)

/** An AnyValue within so many others is malformed (protobuf libraries stop at a like depth). */
export const MAX_VALUE_DEPTH = 64

const ENTITY_REF = define('EntityRef', {
  schema_url: [1, 'string'],
  type: [2, 'string'],
  id_keys: [3, 'string', 'repeated'],
  description_keys: [4, 'string', 'repeated'],
})
export const RESOURCE = define('Resource', {
  attributes: [1, KEY_VALUE, 'repeated'],
  dropped_attributes_count: [2, 'uint32'],
  entity_refs: [3, ENTITY_REF, 'repeated'],
})
export const SCOPE = define('InstrumentationScope', {
  name: [1, 'string'],
  version: [2, 'string'],
  attributes: [3, KEY_VALUE, 'repeated'],
  dropped_attributes_count: [4, 'uint32'],
})

const LOG_RECORD = define('LogRecord', {
  time_unix_nano: [1, 'fixed64'],
  severity_number: [2, SEVERITY_NUMBER],
  severity_text: [3, 'string'],
  body: [5, ANY_VALUE],
  attributes: [6, KEY_VALUE, 'repeated'],
  dropped_attributes_count: [7, 'uint32'],
  flags: [8, 'fixed32'],
  trace_id: [9, 'hex'],
  span_id: [10, 'hex'],
  observed_time_unix_nano: [11, 'fixed64'],
  event_name: [12, 'string'],
})

const SPAN_EVENT = define('Span.Event', {
  time_unix_nano: [1, 'fixed64'],
  name: [2, 'string'],
  attributes: [3, KEY_VALUE, 'repeated'],
  dropped_attributes_count: [4, 'uint32'],
})
const SPAN_LINK = define('Span.Link', {
  trace_id: [1, 'hex'],
  span_id: [2, 'hex'],
  trace_state: [3, 'string'],
  attributes: [4, KEY_VALUE, 'repeated'],
  dropped_attributes_count: [5, 'uint32'],
  flags: [6, 'fixed32'],
})
const SPAN = define('Span', {
  trace_id: [1, 'hex'],
  span_id: [2, 'hex'],
  trace_state: [3, 'string'],
  parent_span_id: [4, 'hex'],
  name: [5, 'string'],
  kind: [6, SPAN_KIND],
  start_time_unix_nano: [7, 'fixed64'],
  end_time_unix_nano: [8, 'fixed64'],
  attributes: [9, KEY_VALUE, 'repeated'],
  dropped_attributes_count: [10, 'uint32'],
  events: [11, SPAN_EVENT, 'repeated'],
  dropped_events_count: [12, 'uint32'],
  links: [13, SPAN_LINK, 'repeated'],
  dropped_links_count: [14, 'uint32'],
  status: [15, define('Status', { message: [2, 'string'], code: [3, STATUS_CODE] })],
  flags: [16, 'fixed32'],
})

const EXEMPLAR = define('Exemplar', {
  filtered_attributes: [7, KEY_VALUE, 'repeated'],
  time_unix_nano: [2, 'fixed64'],
  as_double: [3, 'double'],
  as_int: [6, 'sfixed64'],
  span_id: [4, 'hex'],
  trace_id: [5, 'hex'],
})
const NUMBER_DATA_POINT = define('NumberDataPoint', {
  attributes: [7, KEY_VALUE, 'repeated'],
  start_time_unix_nano: [2, 'fixed64'],
  time_unix_nano: [3, 'fixed64'],
  as_double: [4, 'double'],
  as_int: [6, 'sfixed64'],
  exemplars: [5, EXEMPLAR, 'repeated'],
  flags: [8, 'uint32'],
})
const HISTOGRAM_DATA_POINT = define('HistogramDataPoint', {
  attributes: [9, KEY_VALUE, 'repeated'],
  start_time_unix_nano: [2, 'fixed64'],
  time_unix_nano: [3, 'fixed64'],
  count: [4, 'fixed64'],
  sum: [5, 'double'],
  bucket_counts: [6, 'fixed64', 'repeated'],
  explicit_bounds: [7, 'double', 'repeated'],
  exemplars: [8, EXEMPLAR, 'repeated'],
  flags: [10, 'uint32'],
  min: [11, 'double'],
  max: [12, 'double'],
})
const BUCKETS = define('Buckets', { offset: [1, 'sint32'], bucket_counts: [2, 'uint64', 'repeated'] })
const EXPONENTIAL_HISTOGRAM_DATA_POINT = define('ExponentialHistogramDataPoint', {
  attributes: [1, KEY_VALUE, 'repeated'],
  start_time_unix_nano: [2, 'fixed64'],
  time_unix_nano: [3, 'fixed64'],
  count: [4, 'fixed64'],
  sum: [5, 'double'],
  scale: [6, 'sint32'],
  zero_count: [7, 'fixed64'],
  positive: [8, BUCKETS],
  negative: [9, BUCKETS],
  flags: [10, 'uint32'],
  exemplars: [11, EXEMPLAR, 'repeated'],
  min: [12, 'double'],
  max: [13, 'double'],
  zero_threshold: [14, 'double'],
})
const SUMMARY_DATA_POINT = define('SummaryDataPoint', {
  attributes: [7, KEY_VALUE, 'repeated'],
  start_time_unix_nano: [2, 'fixed64'],
  time_unix_nano: [3, 'fixed64'],
  count: [4, 'fixed64'],
  sum: [5, 'double'],
  quantile_values: [6, define('ValueAtQuantile', { quantile: [1, 'double'], value: [2, 'double'] }), 'repeated'],
  flags: [8, 'uint32'],
})
export const METRIC = define('Metric', {
  name: [1, 'string'],
  description: [2, 'string'],
  unit: [3, 'string'],
  gauge: [5, define('Gauge', { data_points: [1, NUMBER_DATA_POINT, 'repeated'] })],
  sum: [
    7,
    define('Sum', {
      data_points: [1, NUMBER_DATA_POINT, 'repeated'],
      aggregation_temporality: [2, TEMPORALITY],
      is_monotonic: [3, 'bool'],
    }),
  ],
  histogram: [
    9,
    define('Histogram', {
      data_points: [1, HISTOGRAM_DATA_POINT, 'repeated'],
      aggregation_temporality: [2, TEMPORALITY],
    }),
  ],
  exponential_histogram: [
    10,
    define('ExponentialHistogram', {
      data_points: [1, EXPONENTIAL_HISTOGRAM_DATA_POINT, 'repeated'],
      aggregation_temporality: [2, TEMPORALITY],
    }),
  ],
  summary: [11, define('Summary', { data_points: [1, SUMMARY_DATA_POINT, 'repeated'] })],
  metadata: [12, KEY_VALUE, 'repeated'],
})

/** What is counted, and at most refused, on its own: a log, a span, a data point. */
export const EVENTS: ReadonlySet<Message> = new Set([
  LOG_RECORD,
  SPAN,
  NUMBER_DATA_POINT,
  HISTOGRAM_DATA_POINT,
  EXPONENTIAL_HISTOGRAM_DATA_POINT,
  SUMMARY_DATA_POINT,
])

/** All three signals nest alike: request { resource_x { resource, scope_x { scope, x … } … } … }. */
function exportRequest(name: string, signal: string, item: string, message: Message): Message {
  const scoped = define(`Scope${name}`, {
    scope: [1, SCOPE],
    [item]: [2, message, 'repeated'],
    schema_url: [3, 'string'],
  })
  const resource = define(`Resource${name}`, {
    resource: [1, RESOURCE],
    [`scope_${signal}`]: [2, scoped, 'repeated'],
    schema_url: [3, 'string'],
  })
  return define(`Export${name}ServiceRequest`, { [`resource_${signal}`]: [1, resource, 'repeated'] })
}

/** The body of an OTLP export, by signal. */
export const EXPORT_REQUESTS: Readonly<Record<Signal, Message>> = {
  logs: exportRequest('Logs', 'logs', 'log_records', LOG_RECORD),
  traces: exportRequest('Spans', 'spans', 'spans', SPAN),
  metrics: exportRequest('Metrics', 'metrics', 'metrics', METRIC),
}

/** A body that is no OTLP export, and where reading it failed. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError'
  /** Bytes from the start of the body. */
  readonly at: number
  constructor(message: string, at: number) {
    super(`${message} (at byte ${at})`)
    this.at = at
  }
}

/** A well-formed export with more in it than is taken at once. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError'
}
