/** OTLP/JSON objects to OTLP protobuf, for tests: written apart from the reader, from opentelemetry-proto's files. */
import type {
  AnyValue,
  Buckets,
  DataPoint,
  Double,
  EntityRef,
  Exemplar,
  KeyValue,
  LogRecord,
  LogsExport,
  Metric,
  MetricsExport,
  Resource,
  Scope,
  Span,
  SpanEvent,
  SpanLink,
  TracesExport,
} from '../otlp.ts'
import { Message } from './message.ts'

export function encodeLogs(request: LogsExport): Uint8Array {
  const message = new Message()
  for (const part of request.resourceLogs ?? []) {
    const resourceLogs = new Message().message(1, part.resource && resource(part.resource))
    for (const scopeLogs of part.scopeLogs ?? []) {
      const inner = new Message().message(1, scopeLogs.scope && scope(scopeLogs.scope))
      for (const record of scopeLogs.logRecords ?? []) inner.message(2, logRecord(record))
      resourceLogs.message(2, inner.string(3, scopeLogs.schemaUrl))
    }
    message.message(1, resourceLogs.string(3, part.schemaUrl))
  }
  return message.bytes()
}

export function encodeTraces(request: TracesExport): Uint8Array {
  const message = new Message()
  for (const part of request.resourceSpans ?? []) {
    const resourceSpans = new Message().message(1, part.resource && resource(part.resource))
    for (const scopeSpans of part.scopeSpans ?? []) {
      const inner = new Message().message(1, scopeSpans.scope && scope(scopeSpans.scope))
      for (const record of scopeSpans.spans ?? []) inner.message(2, span(record))
      resourceSpans.message(2, inner.string(3, scopeSpans.schemaUrl))
    }
    message.message(1, resourceSpans.string(3, part.schemaUrl))
  }
  return message.bytes()
}

export function encodeMetrics(request: MetricsExport): Uint8Array {
  const message = new Message()
  for (const part of request.resourceMetrics ?? []) {
    const resourceMetrics = new Message().message(1, part.resource && resource(part.resource))
    for (const scopeMetrics of part.scopeMetrics ?? []) {
      const inner = new Message().message(1, scopeMetrics.scope && scope(scopeMetrics.scope))
      for (const record of scopeMetrics.metrics ?? []) inner.message(2, metric(record))
      resourceMetrics.message(2, inner.string(3, scopeMetrics.schemaUrl))
    }
    message.message(1, resourceMetrics.string(3, part.schemaUrl))
  }
  return message.bytes()
}

export function anyValue(value: AnyValue): Message {
  const message = new Message()
  if (value.stringValue !== undefined) message.string(1, value.stringValue, true)
  if (value.boolValue !== undefined) message.varint(2, value.boolValue ? 1n : 0n, true)
  if (value.intValue !== undefined) message.varint(3, BigInt(value.intValue), true)
  if (value.doubleValue !== undefined) message.double(4, Number(value.doubleValue), true)
  if (value.arrayValue !== undefined) {
    const array = new Message()
    for (const item of value.arrayValue.values ?? []) array.message(1, anyValue(item))
    message.message(5, array)
  }
  if (value.kvlistValue !== undefined) message.message(6, attributes(new Message(), 1, value.kvlistValue.values))
  if (value.bytesValue !== undefined) message.raw(7, Buffer.from(value.bytesValue, 'base64'), true)
  return message
}

function attributes(message: Message, field: number, entries: KeyValue[] | undefined): Message {
  for (const { key, value } of entries ?? []) {
    message.message(field, new Message().string(1, key).message(2, value && anyValue(value)))
  }
  return message
}

function resource(from: Resource): Message {
  const message = attributes(new Message(), 1, from.attributes).number(2, from.droppedAttributesCount)
  for (const ref of from.entityRefs ?? []) message.message(3, entityRef(ref))
  return message
}

function entityRef(ref: EntityRef): Message {
  const message = new Message().string(1, ref.schemaUrl).string(2, ref.type)
  for (const key of ref.idKeys ?? []) message.string(3, key, true)
  for (const key of ref.descriptionKeys ?? []) message.string(4, key, true)
  return message
}

function scope(from: Scope): Message {
  const message = new Message().string(1, from.name).string(2, from.version)
  return attributes(message, 3, from.attributes).number(4, from.droppedAttributesCount)
}

function logRecord(record: LogRecord): Message {
  const message = new Message()
    .fixed64(1, record.timeUnixNano)
    .number(2, record.severityNumber)
    .string(3, record.severityText)
    .message(5, record.body && anyValue(record.body))
  return attributes(message, 6, record.attributes)
    .number(7, record.droppedAttributesCount)
    .fixed32(8, record.flags)
    .hex(9, record.traceId)
    .hex(10, record.spanId)
    .fixed64(11, record.observedTimeUnixNano)
    .string(12, record.eventName)
}

function span(record: Span): Message {
  const message = new Message()
    .hex(1, record.traceId)
    .hex(2, record.spanId)
    .string(3, record.traceState)
    .hex(4, record.parentSpanId)
    .string(5, record.name)
    .number(6, record.kind)
    .fixed64(7, record.startTimeUnixNano)
    .fixed64(8, record.endTimeUnixNano)
  attributes(message, 9, record.attributes).number(10, record.droppedAttributesCount)
  for (const event of record.events ?? []) message.message(11, spanEvent(event))
  message.number(12, record.droppedEventsCount)
  for (const link of record.links ?? []) message.message(13, spanLink(link))
  message.number(14, record.droppedLinksCount)
  if (record.status) message.message(15, new Message().string(2, record.status.message).number(3, record.status.code))
  return message.fixed32(16, record.flags)
}

function spanEvent(event: SpanEvent): Message {
  const message = new Message().fixed64(1, event.timeUnixNano).string(2, event.name)
  return attributes(message, 3, event.attributes).number(4, event.droppedAttributesCount)
}

function spanLink(link: SpanLink): Message {
  const message = new Message().hex(1, link.traceId).hex(2, link.spanId).string(3, link.traceState)
  return attributes(message, 4, link.attributes).number(5, link.droppedAttributesCount).fixed32(6, link.flags)
}

function metric(from: Metric): Message {
  const message = new Message().string(1, from.name).string(2, from.description).string(3, from.unit)
  if (from.gauge) message.message(5, points(from.gauge.dataPoints, numberPoint))
  if (from.sum) {
    const sum = points(from.sum.dataPoints, numberPoint).number(2, from.sum.aggregationTemporality)
    message.message(7, sum.varint(3, from.sum.isMonotonic ? 1n : 0n))
  }
  for (const [field, data, encode] of [
    [9, from.histogram, histogramPoint],
    [10, from.exponentialHistogram, exponentialPoint],
  ] as const) {
    if (data) message.message(field, points(data.dataPoints, encode).number(2, data.aggregationTemporality))
  }
  if (from.summary) message.message(11, points(from.summary.dataPoints, summaryPoint))
  return attributes(message, 12, from.metadata)
}

function points(from: DataPoint[] | undefined, encode: (point: DataPoint) => Message): Message {
  const message = new Message()
  for (const point of from ?? []) message.message(1, encode(point))
  return message
}

function numberPoint(point: DataPoint): Message {
  const message = new Message().fixed64(2, point.startTimeUnixNano).fixed64(3, point.timeUnixNano)
  if (point.asDouble !== undefined) message.double(4, Number(point.asDouble), true)
  for (const each of point.exemplars ?? []) message.message(5, exemplar(each))
  if (point.asInt !== undefined) message.fixed64(6, point.asInt, true)
  return attributes(message, 7, point.attributes).number(8, point.flags)
}

function histogramPoint(point: DataPoint): Message {
  const message = new Message()
    .fixed64(2, point.startTimeUnixNano)
    .fixed64(3, point.timeUnixNano)
    .fixed64(4, point.count)
  optionalDouble(message, 5, point.sum)
  message.packedFixed64(6, point.bucketCounts).packedDouble(7, point.explicitBounds?.map(Number))
  for (const each of point.exemplars ?? []) message.message(8, exemplar(each))
  attributes(message, 9, point.attributes).number(10, point.flags)
  return optionalDouble(optionalDouble(message, 11, point.min), 12, point.max)
}

function exponentialPoint(point: DataPoint): Message {
  const message = attributes(new Message(), 1, point.attributes)
    .fixed64(2, point.startTimeUnixNano)
    .fixed64(3, point.timeUnixNano)
    .fixed64(4, point.count)
  optionalDouble(message, 5, point.sum).zigzag(6, point.scale).fixed64(7, point.zeroCount)
  message.message(8, point.positive && buckets(point.positive)).message(9, point.negative && buckets(point.negative))
  message.number(10, point.flags)
  for (const each of point.exemplars ?? []) message.message(11, exemplar(each))
  return optionalDouble(optionalDouble(message, 12, point.min), 13, point.max).double(
    14,
    Number(point.zeroThreshold ?? 0),
  )
}

function summaryPoint(point: DataPoint): Message {
  const message = new Message()
    .fixed64(2, point.startTimeUnixNano)
    .fixed64(3, point.timeUnixNano)
    .fixed64(4, point.count)
    .double(5, Number(point.sum ?? 0))
  for (const { quantile, value } of point.quantileValues ?? []) {
    message.message(6, new Message().double(1, Number(quantile ?? 0)).double(2, Number(value ?? 0)))
  }
  return attributes(message, 7, point.attributes).number(8, point.flags)
}

function buckets(from: Buckets): Message {
  return new Message().zigzag(1, from.offset).packedVarint(2, from.bucketCounts)
}

function exemplar(from: Exemplar): Message {
  const message = new Message().fixed64(2, from.timeUnixNano)
  if (from.asDouble !== undefined) message.double(3, Number(from.asDouble), true)
  message.hex(4, from.spanId).hex(5, from.traceId)
  if (from.asInt !== undefined) message.fixed64(6, from.asInt, true)
  return attributes(message, 7, from.filteredAttributes)
}

/** proto3 `optional`: written whenever it is there, zero included. */
function optionalDouble(message: Message, field: number, value: Double | undefined): Message {
  return value === undefined ? message : message.double(field, Number(value), true)
}
