/** People of a test server, by its API: asked with the key of the project `default`, which administers the instance. */
import assert from 'node:assert/strict'
import { TEST_KEY, type TestServer } from '../../../end_to_end/server.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** @returns the answer's JSON, `null` where it is empty @throws AssertionError where it is refused */
export async function api<T = unknown>(server: TestServer, method: Method, path: string, body?: unknown): Promise<T> {
  const headers = { authorization: `Bearer ${TEST_KEY}`, 'content-type': 'application/json' }
  const answer = await fetch(server.httpUrl + path, {
    method,
    headers: body === undefined ? { authorization: headers.authorization } : headers,
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  const text = await answer.text()
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`)
  return (text === '' ? null : JSON.parse(text)) as T
}

/** Sends one log with that key. @returns the receiver's status */
export async function sendWith(server: TestServer, key: string, body: string, logs = 1): Promise<number> {
  const logRecords = Array.from({ length: logs }, (_, at) => ({
    timeUnixNano: `${Date.now()}000000`,
    severityNumber: 9,
    body: { stringValue: logs === 1 ? body : `${body} ${at}` },
  }))
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'checkout' } }] }
  const answer = await fetch(`${server.otlpUrl}/v1/logs`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] }),
  })
  await answer.text()
  return answer.status
}
