/** One service of the shop, instrumented with the official OpenTelemetry SDK as any Node service would be. */
import {
  type Context,
  context,
  type Meter,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { type Logger, SeverityNumber } from '@opentelemetry/api-logs'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'

export interface Endpoint {
  /** OTLP/HTTP, `http://localhost:4318`. */
  readonly url: string
  readonly key: string
}

export class Service {
  readonly name: string
  readonly #tracer: Tracer
  readonly #logger: Logger
  readonly #providers: readonly { shutdown(): Promise<void> }[]
  readonly #requests: ReturnType<Meter['createCounter']>
  readonly #duration: ReturnType<Meter['createHistogram']>

  constructor(name: string, version: string, endpoint: Endpoint) {
    this.name = name
    const resource = resourceFromAttributes({
      'service.name': name,
      'service.version': version,
      'service.instance.id': `${name}-1`,
      'deployment.environment.name': 'demo',
    })
    const headers = { authorization: `Bearer ${endpoint.key}` }
    const exporter = (signal: string) => ({ url: `${endpoint.url}/v1/${signal}`, headers })
    const traces = new NodeTracerProvider({
      resource,
      spanProcessors: [
        new BatchSpanProcessor(new OTLPTraceExporter(exporter('traces')), { scheduledDelayMillis: 250 }),
      ],
    })
    const logs = new LoggerProvider({
      resource,
      processors: [
        new BatchLogRecordProcessor({ exporter: new OTLPLogExporter(exporter('logs')), scheduledDelayMillis: 250 }),
      ],
    })
    const metrics = new MeterProvider({
      resource,
      readers: [
        new PeriodicExportingMetricReader({
          exporter: new OTLPMetricExporter(exporter('metrics')),
          exportIntervalMillis: 1_000,
        }),
      ],
    })
    this.#providers = [traces, logs, metrics]
    this.#tracer = traces.getTracer('shop', '1.0.0')
    this.#logger = logs.getLogger('shop', '1.0.0')
    const meter = metrics.getMeter('shop', '1.0.0')
    this.#requests = meter.createCounter('http.server.requests', {
      description: 'Requests answered',
      unit: '{request}',
    })
    this.#duration = meter.createHistogram('http.server.request.duration', { description: 'Time to answer', unit: 's' })
  }

  /** Serves one request: a server span around `work`, a log line and two metrics at its end. */
  async serve(
    route: string,
    parent: Context,
    user: string,
    work: (inside: Context, span: Span) => Promise<void>,
  ): Promise<void> {
    const started = performance.now()
    const attributes = { 'http.request.method': 'POST', 'http.route': route, 'user.id': user }
    const span = this.#tracer.startSpan(`POST ${route}`, { kind: SpanKind.SERVER, attributes }, parent)
    const inside = trace.setSpan(parent, span)
    let status = 200
    try {
      await work(inside, span)
      this.log(
        inside,
        SeverityNumber.INFO,
        `order of ${user} passed ${this.name} in ${Math.round(performance.now() - started)} ms`,
      )
    } catch (error) {
      status = 500
      span.recordException(error as Error)
      span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message })
      this.log(inside, SeverityNumber.ERROR, `request failed: ${(error as Error).message}`, error as Error)
      throw error
    } finally {
      span.setAttribute('http.response.status_code', status)
      span.end()
      const labels = { 'http.route': route, 'http.response.status_code': status }
      this.#requests.add(1, labels)
      this.#duration.record((performance.now() - started) / 1000, labels)
    }
  }

  /** Asks another service or a database: a client span around `work`. */
  async call(
    name: string,
    parent: Context,
    attributes: Record<string, string>,
    work: (inside: Context) => Promise<void>,
  ): Promise<void> {
    const span = this.#tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, parent)
    try {
      await work(trace.setSpan(parent, span))
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message })
      throw error
    } finally {
      span.end()
    }
  }

  log(inside: Context, severityNumber: SeverityNumber, body: string, error?: Error): void {
    const attributes =
      error === undefined
        ? {}
        : {
            'exception.type': error.name,
            'exception.message': error.message,
            'exception.stacktrace': error.stack ?? '',
          }
    this.#logger.emit({
      severityNumber,
      severityText: SeverityNumber[severityNumber],
      body,
      attributes,
      context: inside,
    })
  }

  /** Sends what is left. */
  async close(): Promise<void> {
    await Promise.all(this.#providers.map((provider) => provider.shutdown()))
  }
}

export const ROOT = context.active()
