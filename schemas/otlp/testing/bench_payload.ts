/** The payload that throughput is stated for: logs of about 300 bytes, 6 attributes each, 7 resource attributes a 100. */
import type { LogRecord, LogsExport } from '../otlp.ts'

const ROUTES = ['/api/v1/checkout', '/api/v1/cart/{id}', '/api/v1/products', '/healthz', '/api/v1/users/{id}/orders']
const LEVELS = [
  [9, 'INFO'],
  [9, 'INFO'],
  [9, 'INFO'],
  [13, 'WARN'],
  [17, 'ERROR'],
] as const
const START_NANOS = 1_767_225_600_000_000_000n

/** @param seed two payloads of different seeds differ in ids, times and bodies */
export function benchLogs(resources: number, logsEach: number, seed = 1): LogsExport {
  let state = seed >>> 0
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state
  }
  const hex = (digits: number): string => {
    let text = ''
    while (text.length < digits) text += random().toString(16).padStart(8, '0')
    return text.slice(0, digits)
  }
  const record = (at: number): LogRecord => {
    const [severityNumber, severityText] = LEVELS[random() % LEVELS.length]
    const time = String(START_NANOS + BigInt(at) * 1_234_567n + BigInt(random() % 1000))
    const route = ROUTES[random() % ROUTES.length]
    const durationMs = random() % 900
    return {
      timeUnixNano: time,
      observedTimeUnixNano: time,
      severityNumber,
      severityText,
      body: {
        stringValue: `request ${random() % 100_000} for ${route} finished in ${durationMs} ms with 200, cache hit`,
      },
      attributes: [
        { key: 'http.request.method', value: { stringValue: random() % 4 === 0 ? 'POST' : 'GET' } },
        { key: 'http.route', value: { stringValue: route } },
        { key: 'http.response.status_code', value: { intValue: '200' } },
        { key: 'client.address', value: { stringValue: `10.0.${random() % 8}.${random() % 250}` } },
        { key: 'user.id', value: { stringValue: `user-${random() % 5000}` } },
        { key: 'duration_ms', value: { doubleValue: durationMs + 0.25 } },
      ],
      flags: 1,
      traceId: hex(32),
      spanId: hex(16),
    }
  }
  return {
    resourceLogs: Array.from({ length: resources }, (_, part) => ({
      resource: {
        attributes: Object.entries({
          'service.name': `checkout-${part % 3}`,
          'service.version': '1.42.0',
          'service.instance.id': `pod-${part % 12}`,
          'deployment.environment.name': 'production',
          'host.name': `node-${part % 12}.internal`,
          'telemetry.sdk.language': 'nodejs',
          'telemetry.sdk.name': 'opentelemetry',
        }).map(([key, value]) => ({ key, value: { stringValue: value } })),
      },
      scopeLogs: [
        {
          scope: { name: 'http-server', version: '2.1.0' },
          logRecords: Array.from({ length: logsEach }, (_, at) => record(part * logsEach + at)),
        },
      ],
    })),
  }
}
