/** What the official exporters send, as protobuf and as JSON, read into columns. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { SeverityNumber } from '@opentelemetry/api-logs'
import { OTLPLogExporter as JsonLogs } from '@opentelemetry/exporter-logs-otlp-http'
import { OTLPLogExporter as ProtoLogs } from '@opentelemetry/exporter-logs-otlp-proto'
import { OTLPMetricExporter as JsonMetrics } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPMetricExporter as ProtoMetrics } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter as JsonTraces } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtoTraces } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { AggregationType, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import type { Signal } from '#pipeline/batch/batch.ts'
import { inspect } from './inspect.ts'
import { transcodeJson } from './json.ts'
import { type Row, readBytes, rowsOf } from './testing/read.ts'

const resource = resourceFromAttributes({ 'service.name': 'shop', 'service.version': '1.2.3' })

/** Bodies by path, in order of arrival. */
const bodies: { contentType: string; body: Uint8Array }[] = []
const server = createServer(async (request, response) => {
  bodies.push({ contentType: request.headers['content-type'] ?? '', body: await buffer(request) })
  response.writeHead(200, { 'content-type': request.headers['content-type'] }).end('')
})
let url = ''

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => server.close())

/** All rows that came since the last call. */
function arrived(signal: Signal): Row[] {
  return bodies.splice(0).flatMap(({ contentType, body }) => {
    const protobuf = contentType === 'application/json' ? transcodeJson(body, signal) : body
    const events = readBytes(signal, protobuf, inspect(protobuf, signal).eventCount)
    assert.deepEqual(events.malformed, [])
    return rowsOf(events)
  })
}

describe('the official exporters', () => {
  for (const [form, Exporter] of [
    ['protobuf', ProtoLogs],
    ['JSON', JsonLogs],
  ] as const) {
    it(`logs as ${form}`, async () => {
      const processor = new SimpleLogRecordProcessor({ exporter: new Exporter({ url }) })
      const provider = new LoggerProvider({ resource, processors: [processor] })
      provider.getLogger('lib', '2').emit({
        timestamp: [1767225600, 123456789],
        observedTimestamp: [1767225600, 0],
        severityNumber: SeverityNumber.ERROR2,
        severityText: 'error',
        body: { message: 'no stock', left: 0, ratio: 0.5 },
        attributes: { 'item.id': 42, price: 9.5, tags: ['a', 'b'], gift: false },
        eventName: 'stock.empty',
      })
      await provider.shutdown()
      const [row] = arrived('logs')
      delete row.message_size_bytes
      assert.deepEqual(row, {
        timestamp: 1767225600123456n,
        timestamp_nanos: 789n,
        observed_timestamp: 1767225600000000n,
        severity___severity_number: 18n,
        severity___severity_text: 'error',
        level: 'ERROR',
        kind: 'log',
        name: 'stock.empty',
        body: '{"message":"no stock","left":0,"ratio":0.5}',
        scope___name: 'lib',
        scope___version: '2',
        'attributes.item.id': 42n,
        'attributes.price': 9.5,
        'attributes.tags': '["a","b"]',
        'attributes.gift': false,
        'resource.service.name': 'shop',
        'resource.service.version': '1.2.3',
      })
    })
  }

  for (const [form, Exporter] of [
    ['protobuf', ProtoTraces],
    ['JSON', JsonTraces],
  ] as const) {
    it(`spans as ${form}`, async () => {
      const provider = new NodeTracerProvider({
        resource,
        spanProcessors: [new SimpleSpanProcessor(new Exporter({ url }))],
      })
      const tracer = provider.getTracer('lib', '2')
      const parent = tracer.startSpan('parent', { startTime: [1767225600, 1000] })
      const child = tracer.startSpan(
        'GET /cart',
        { kind: SpanKind.CLIENT, startTime: [1767225600, 2000], links: [{ context: parent.spanContext() }] },
        trace.setSpan(ROOT_CONTEXT, parent),
      )
      child.setAttribute('http.request.method', 'GET')
      child.setStatus({ code: SpanStatusCode.ERROR, message: 'refused' })
      child.addEvent('retry', { attempt: 2 }, [1767225600, 3000])
      child.end([1767225600, 502000])
      parent.end()
      await provider.shutdown()
      const row = arrived('traces').find(({ name }) => name === 'GET /cart')!
      const context = child.spanContext()
      assert.equal(row.context___trace_id, context.traceId)
      assert.equal(row.context___span_id, context.spanId)
      assert.equal(row.parent_id, parent.spanContext().spanId)
      assert.equal(row.kind, 'client')
      assert.equal(row.status_code, 'ERROR')
      assert.equal(row.status_message, 'refused')
      assert.equal(row.level, 'ERROR')
      assert.equal(row.duration, 500_000n)
      assert.equal(row.timestamp, 1767225600000002n)
      assert.equal(row.context___trace_flags, '01')
      assert.equal(row.context___is_remote, false)
      assert.equal(row['attributes.http.request.method'], 'GET')
      assert.equal(row['resource.service.name'], 'shop')
      assert.equal(row.otlp_exact, undefined)
      assert.deepEqual(JSON.parse(row.events as string), [
        {
          event_name: 'retry',
          event_time: '2026-01-01T00:00:00.000003000Z',
          event_attributes: { attempt: 2 },
          event_dropped_attributes_count: 0,
        },
      ])
      const [link] = JSON.parse(row.links as string)
      assert.equal(link.link_span_id, parent.spanContext().spanId)
    })
  }

  for (const [form, Exporter] of [
    ['protobuf', ProtoMetrics],
    ['JSON', JsonMetrics],
  ] as const) {
    it(`metrics as ${form}`, async () => {
      const reader = new PeriodicExportingMetricReader({
        exporter: new Exporter({ url }),
        exportIntervalMillis: 3_600_000,
        exportTimeoutMillis: 10_000,
      })
      const views = [{ instrumentName: 'size', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }] as const
      const provider = new MeterProvider({ resource, readers: [reader], views: [...views] })
      const meter = provider.getMeter('lib', '2')
      meter.createCounter('orders', { unit: '{order}', description: 'placed' }).add(3, { shop: 'a' })
      meter.createGauge('load').record(0.5)
      meter.createHistogram('latency', { advice: { explicitBucketBoundaries: [1, 10] } }).record(5)
      meter.createHistogram('size').record(4)
      await provider.shutdown()
      const rows = new Map(arrived('metrics').map((row) => [row.metric_name, row]))
      const orders = rows.get('orders')!
      assert.equal(orders.metric_type, 'SUM')
      assert.equal(orders.metric_unit, '{order}')
      assert.equal(orders.metric_description, 'placed')
      assert.equal(orders.aggregation_temporality, 'CUMULATIVE')
      assert.equal(orders.is_monotonic, true)
      assert.equal(orders.value, 3)
      assert.equal(orders['attributes.shop'], 'a')
      assert.equal(orders.scope_name, 'lib')
      assert.equal(rows.get('load')?.metric_type, 'GAUGE')
      assert.equal(rows.get('load')?.value_double, 0.5)
      const latency = rows.get('latency')!
      assert.equal(latency.hist_bucket_counts, '[0,1,0]')
      assert.equal(latency.hist_explicit_bounds, '[1.0,10.0]')
      assert.equal(latency.distribution_count, 1n)
      assert.equal(latency.distribution_max, 5)
      const size = rows.get('size')!
      assert.equal(size.metric_type, 'EXPONENTIAL_HISTOGRAM')
      assert.equal(size.exp_hist_pos_buckets, '[1]')
      assert.equal(typeof size.exp_hist_scale, 'bigint')
    })
  }
})
