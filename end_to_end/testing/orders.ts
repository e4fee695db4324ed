/** Logs of orders, and questions about them. */
import assert from 'node:assert/strict'
import { encodeLogs } from '#schemas/otlp/testing/encode.ts'
import { TEST_KEY, type TestServer } from '../server.ts'

/** Of every export, so that what is stored depends on more than names. */
export function exportOf(first: number, count = 50, prefix = 'replay'): Uint8Array {
  const logRecords = Array.from({ length: count }, (_, at) => ({
    timeUnixNano: String(BigInt(Date.UTC(2026, 10, 20 + ((first + at) % 3))) * 1_000_000n + BigInt(first + at)),
    severityText: (first + at) % 7 === 0 ? 'ERROR' : 'INFO',
    eventName: `${prefix}-${first + at}`,
    body: { stringValue: `order ${first + at} of ann@example.com` },
    attributes: [{ key: 'http.route', value: { stringValue: `/orders/${(first + at) % 5}` } }],
  }))
  return encodeLogs({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
}

export async function send(server: TestServer, body: Uint8Array): Promise<void> {
  const response = await fetch(`${server.otlpUrl}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', authorization: `Bearer ${TEST_KEY}` },
    body: body as Uint8Array<ArrayBuffer>,
  })
  assert.equal(response.status, 200)
}

export const EVERYTHING = 'select * from otel_logs_and_spans order by id'
export const COUNT = 'select count(*), count(distinct id) from otel_logs_and_spans'

export async function countOf(server: TestServer): Promise<unknown[]> {
  return (await server.query(COUNT))[0].map(Number)
}

export async function ledgerOf(server: TestServer): Promise<{ readonly in_flight: number }> {
  return (await server.get('/v1/ledger')).json() as Promise<{ in_flight: number }>
}
