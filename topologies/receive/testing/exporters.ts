/** The official exporters, one export each: what real clients send. */

import { Metadata } from '@grpc/grpc-js'
import { SeverityNumber } from '@opentelemetry/api-logs'
import { OTLPLogExporter as GrpcLogs } from '@opentelemetry/exporter-logs-otlp-grpc'
import { OTLPLogExporter as JsonLogs } from '@opentelemetry/exporter-logs-otlp-http'
import { OTLPLogExporter as ProtoLogs } from '@opentelemetry/exporter-logs-otlp-proto'
import { OTLPMetricExporter as GrpcMetrics } from '@opentelemetry/exporter-metrics-otlp-grpc'
import { OTLPMetricExporter as JsonMetrics } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPMetricExporter as ProtoMetrics } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter as GrpcTraces } from '@opentelemetry/exporter-trace-otlp-grpc'
import { OTLPTraceExporter as JsonTraces } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtoTraces } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import type { Signal } from '#pipeline/batch/batch.ts'

export const PROTOCOLS = ['grpc', 'http/protobuf', 'http/json'] as const
export type Protocol = (typeof PROTOCOLS)[number]

export interface Client {
  readonly protocol: Protocol
  readonly signal: Signal
  readonly ports: { readonly grpc: number; readonly http: number }
  readonly headers?: Record<string, string>
  readonly resource?: Record<string, string>
  readonly gzip?: boolean
}

const EXPORTERS = {
  logs: { grpc: GrpcLogs, 'http/protobuf': ProtoLogs, 'http/json': JsonLogs },
  traces: { grpc: GrpcTraces, 'http/protobuf': ProtoTraces, 'http/json': JsonTraces },
  metrics: { grpc: GrpcMetrics, 'http/protobuf': ProtoMetrics, 'http/json': JsonMetrics },
}

/** What an exporter says of an export; code 0 is success. */
interface ExportResult {
  readonly code: number
  readonly error?: Error
}

/** Events in the export that {@link sendOne} makes. */
export const EVENTS_SENT = 1

/** Sends one log, span or data point. Returns how the exporter says it went: `null`, or its error. */
export async function sendOne(client: Client): Promise<Error | null> {
  const exporter = newExporter(client)
  const { promise, resolve } = Promise.withResolvers<ExportResult>()
  const inner = exporter.export.bind(exporter) as (items: unknown, done: (result: ExportResult) => void) => void
  let sent = false
  exporter.export = (items: unknown, done: (result: ExportResult) => void) => {
    // A metric reader exports once more when it is closed.
    if (sent) {
      done({ code: 0 })
      return
    }
    sent = true
    inner(items, (result) => {
      resolve(result)
      done(result)
    })
  }
  const close = emitOne(client, exporter as never)
  const { code, error } = await promise
  await close()
  return code === 0 ? null : (error ?? new Error('refused without a reason'))
}

function newExporter({ protocol, signal, ports, headers = {}, gzip }: Client) {
  const compression = gzip ? 'gzip' : 'none'
  const Exporter = EXPORTERS[signal][protocol] as new (options: object) => { export: unknown & CallableFunction }
  if (protocol !== 'grpc') {
    return new Exporter({ url: `http://127.0.0.1:${ports.http}/v1/${signal}`, headers, compression })
  }
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  return new Exporter({ url: `http://127.0.0.1:${ports.grpc}`, metadata, compression })
}

/** Records one event and has it exported. Returns what ends the client. */
function emitOne({ signal, resource: attributes = {} }: Client, exporter: never): () => Promise<void> {
  const resource = resourceFromAttributes({ 'service.name': 'checkout', ...attributes })
  // The provider reports a refused export as an error of its own: the result has told us already.
  const quietly = (work: Promise<unknown>) => work.then(() => {}).catch(() => {})
  switch (signal) {
    case 'logs': {
      const provider = new LoggerProvider({ resource, processors: [new SimpleLogRecordProcessor({ exporter })] })
      provider.getLogger('test').emit({ severityNumber: SeverityNumber.INFO, body: 'hello', attributes: { a: 1 } })
      return () => quietly(provider.shutdown())
    }
    case 'traces': {
      const provider = new NodeTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(exporter)] })
      provider.getTracer('test').startSpan('GET /').addEvent('an event').end()
      return () => quietly(provider.shutdown())
    }
    default: {
      const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
      const provider = new MeterProvider({ resource, readers: [reader] })
      provider.getMeter('test').createCounter('requests').add(1, { route: '/' })
      void quietly(provider.forceFlush())
      return () => quietly(provider.shutdown())
    }
  }
}
