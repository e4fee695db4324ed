/**
 * Export requests for load: built once as templates, made distinct before each sending by writing new ids, times and
 * numbers over placeholders. So the generator stays cheap and no two events are alike.
 */
import { randomFillSync } from 'node:crypto'
import type { AnyValue, KeyValue, LogRecord, Resource, Span } from '#schemas/otlp/otlp.ts'
import { encodeLogs, encodeTraces } from '#schemas/otlp/testing/encode.ts'

/** 16 and 8 bytes that become random ids. */
const TRACE_ID = 'a5'.repeat(16)
const SPAN_ID = 'c3'.repeat(8)
/** Eight bytes 0x7f, a fixed64, that become the present time in ns. */
const TIME = '9187201950435737471'
/** Becomes six random digits. */
const DIGITS = '@@@@@@'

const text = (key: string, stringValue: string): KeyValue => ({ key, value: { stringValue } })
const int = (key: string, intValue: number): KeyValue => ({ key, value: { intValue: String(intValue) } })
const double = (key: string, doubleValue: number): KeyValue => ({ key, value: { doubleValue } })

const SERVICES = ['checkout', 'cart', 'catalog', 'payment', 'frontend']
const ROUTES = ['/api/cart', '/api/cart/items', '/api/checkout', '/api/products', '/api/payments']
const METHODS = ['GET', 'POST', 'PUT', 'DELETE']

function resource(at: number, attributes: number): Resource {
  const service = SERVICES[at % SERVICES.length]
  const all = [
    text('service.name', service),
    text('service.version', `1.${at % 7}.0`),
    text('service.instance.id', `${service}-${at % 20}`),
    text('deployment.environment.name', 'production'),
    text('host.name', `node-${at % 12}.eu-west-1.internal`),
    text('k8s.pod.name', `${service}-6d4cf56db6-${(at % 20) + 10}xk`),
    text('telemetry.sdk.language', 'nodejs'),
    text('telemetry.sdk.name', 'opentelemetry'),
    text('telemetry.sdk.version', '2.12.1'),
    text('cloud.region', 'eu-west-1'),
  ]
  return { attributes: all.slice(0, attributes) }
}

function logRecord(at: number): LogRecord {
  const method = METHODS[at % 4]
  const route = ROUTES[at % 5]
  const status = at % 50 === 0 ? 500 : 200
  const body: AnyValue = {
    stringValue: `${method} ${route}/${DIGITS} answered ${status} in ${(at * 7) % 900} ms for customer ${DIGITS}`,
  }
  return {
    timeUnixNano: TIME,
    observedTimeUnixNano: TIME,
    severityNumber: status === 500 ? 17 : 9,
    severityText: status === 500 ? 'ERROR' : 'INFO',
    body,
    attributes: [
      text('http.request.method', method),
      text('http.route', route),
      int('http.response.status_code', status),
      text('user.id', `u-${DIGITS}`),
      text('order.id', `ord-${DIGITS}`),
      double('duration_ms', (at * 7) % 900),
    ],
    traceId: TRACE_ID,
    spanId: SPAN_ID,
  }
}

function span(at: number): Span {
  const method = METHODS[at % 4]
  const route = ROUTES[at % 5]
  return {
    traceId: TRACE_ID,
    spanId: SPAN_ID,
    parentSpanId: SPAN_ID,
    name: `${method} ${route}`,
    kind: 2 + (at % 2),
    startTimeUnixNano: TIME,
    endTimeUnixNano: TIME,
    attributes: [
      text('http.request.method', method),
      text('http.route', route),
      int('http.response.status_code', at % 50 === 0 ? 500 : 200),
      text('url.path', `${route}/${DIGITS}`),
      text('url.scheme', 'https'),
      text('server.address', 'shop.example.com'),
      int('server.port', 443),
      text('client.address', `10.1.${at % 250}.${(at * 3) % 250}`),
      text('user_agent.original', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36'),
      text('network.protocol.version', '1.1'),
      text('user.id', `u-${DIGITS}`),
      double('app.cart.total', (at * 13) % 500),
    ],
    status: at % 50 === 0 ? { code: 2, message: 'internal error' } : {},
  }
}

export interface Template {
  readonly events: number
  readonly bytes: number
  /** The request with new ids, times and numbers. The same buffer every time: send it before asking again. */
  next(): Uint8Array
}

/** @param perResource events that share a resource */
export function logsTemplate(events: number, seed: number, perResource = 100): Template {
  const resourceLogs = Array.from({ length: Math.ceil(events / perResource) }, (_, part) => ({
    resource: resource(seed + part, 7),
    scopeLogs: [
      {
        scope: { name: 'shop', version: '1.4.0' },
        logRecords: Array.from({ length: Math.min(perResource, events - part * perResource) }, (_, at) =>
          logRecord(seed * 31 + part * perResource + at),
        ),
      },
    ],
  }))
  return template(encodeLogs({ resourceLogs }), events)
}

export function spansTemplate(events: number, seed: number, perResource = 100): Template {
  const resourceSpans = Array.from({ length: Math.ceil(events / perResource) }, (_, part) => ({
    resource: resource(seed + part, 10),
    scopeSpans: [
      {
        scope: { name: 'shop', version: '1.4.0' },
        spans: Array.from({ length: Math.min(perResource, events - part * perResource) }, (_, at) =>
          span(seed * 31 + part * perResource + at),
        ),
      },
    ],
  }))
  return template(encodeTraces({ resourceSpans }), events)
}

function template(bytes: Uint8Array, events: number): Template {
  const body = Buffer.from(bytes)
  const traces = placesOf(body, Buffer.from(TRACE_ID, 'hex'))
  const spans = placesOf(body, Buffer.from(SPAN_ID, 'hex'))
  const times = placesOf(body, Buffer.alloc(8, 0x7f))
  const digits = placesOf(body, Buffer.from(DIGITS))
  const random = Buffer.alloc(traces.length * 16 + spans.length * 8 + digits.length * 6)
  return {
    events,
    bytes: body.length,
    next() {
      randomFillSync(random)
      let from = 0
      for (const at of traces) from += random.copy(body, at, from, from + 16)
      for (const at of spans) from += random.copy(body, at, from, from + 8)
      for (const at of digits) for (let digit = 0; digit < 6; digit++) body[at + digit] = 48 + (random[from++] % 10)
      const now = BigInt(Date.now()) * 1_000_000n
      times.forEach((at, index) => void body.writeBigUInt64LE(now + BigInt(index * 997), at))
      return body
    },
  }
}

function placesOf(body: Buffer, what: Buffer): number[] {
  const places: number[] = []
  for (let at = body.indexOf(what); at >= 0; at = body.indexOf(what, at + what.length)) places.push(at)
  return places
}
