import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SIGNALS } from '#pipeline/batch/batch.ts'
import { ProtobufReader } from '#schemas/otlp/protobuf_reader.ts'
import { encodeStatus, encodeSuccess, FULL_SUCCESS } from './answers.ts'
import { Refusal } from './refusal.ts'

/** Fields of a message: numbers for varints, bytes for the rest. */
function fieldsOf(bytes: Uint8Array): [number, number | Buffer][] {
  const reader = new ProtobufReader(bytes)
  const fields: [number, number | Buffer][] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = reader.varint32(at, bytes.length)
    const value = reader.varint32(reader.at, bytes.length)
    at = reader.at
    if ((tag & 7) === 2) {
      fields.push([tag >>> 3, Buffer.from(bytes.subarray(at, at + value))])
      at += value
    } else fields.push([tag >>> 3, value])
  }
  return fields
}

test('full success is an empty message, in both formats', () => {
  for (const signal of SIGNALS) {
    assert.equal(encodeSuccess(FULL_SUCCESS, signal, 'application/x-protobuf').length, 0)
    assert.equal(encodeSuccess(FULL_SUCCESS, signal, 'application/json').toString(), '{}')
  }
})

test('partial success has the number rejected and why', () => {
  const partial = { rejected: 300, message: 'zu groß' }
  const [[field, content]] = fieldsOf(encodeSuccess(partial, 'logs', 'application/x-protobuf'))
  assert.equal(field, 1)
  assert.deepEqual(fieldsOf(content as Buffer), [
    [1, 300],
    [2, Buffer.from('zu groß')],
  ])
  const names = { logs: 'rejectedLogRecords', traces: 'rejectedSpans', metrics: 'rejectedDataPoints' }
  for (const signal of SIGNALS) {
    assert.deepEqual(JSON.parse(encodeSuccess(partial, signal, 'application/json').toString()), {
      partialSuccess: { [names[signal]]: '300', errorMessage: 'zu groß' },
    })
  }
})

test('a status says its code, its reason and when to retry', () => {
  const status = new Refusal('unavailable', 'later', { retryAfterMs: 2500 })
  const [code, message, [detail, any]] = fieldsOf(encodeStatus(status, 'application/x-protobuf'))
  assert.deepEqual([code, message, detail], [[1, 14], [2, Buffer.from('later')], 3])
  const [type, [, retryInfo]] = fieldsOf(any as Buffer)
  assert.deepEqual(type, [1, Buffer.from('type.googleapis.com/google.rpc.RetryInfo')])
  const [[, duration]] = fieldsOf(retryInfo as Buffer)
  assert.deepEqual(fieldsOf(duration as Buffer), [
    [1, 2],
    [2, 500_000_000],
  ])
  assert.deepEqual(JSON.parse(encodeStatus(status, 'application/json').toString()), {
    code: 14,
    message: 'later',
    details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '2.500s' }],
  })
})

test('a status nobody should retry has no details', () => {
  const status = new Refusal('malformed', 'broken')
  assert.equal(fieldsOf(encodeStatus(status, 'application/x-protobuf')).length, 2)
  assert.deepEqual(JSON.parse(encodeStatus(status, 'application/json').toString()).details, [])
})
