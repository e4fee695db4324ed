import assert from 'node:assert/strict'
import { test } from 'node:test'
import { transcodeJson } from './json.ts'
import { EXPORT_REQUESTS, MalformedError } from './messages.ts'
import { canonical } from './testing/canonical.ts'
import { encodeLogs, encodeMetrics } from './testing/encode.ts'

const LOGS = EXPORT_REQUESTS.logs

function withRecord(record: string): Uint8Array {
  return Buffer.from(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[${record}]}]}]}`)
}

function assertRecord(record: string, expected: object): void {
  const request = { resourceLogs: [{ scopeLogs: [{ logRecords: [expected] }] }] }
  assert.deepEqual(
    canonical(transcodeJson(withRecord(record), 'logs'), LOGS),
    canonical(encodeLogs(request as never), LOGS),
    record,
  )
}

test('64-bit integers keep every digit, as text and as numbers', () => {
  for (const value of ['9223372036854775807', '-9223372036854775808', '9007199254740993', '0', '-1', '-0']) {
    const expected = { body: { intValue: value } }
    assertRecord(`{"body":{"intValue":"${value}"}}`, expected)
    assertRecord(`{"body":{"intValue":${value}}}`, expected)
  }
  assertRecord('{"timeUnixNano":18446744073709551615}', { timeUnixNano: '18446744073709551615' })
  assertRecord('{"body":{"intValue":1e3}}', { body: { intValue: '1000' } })
  assertRecord('{"body":{"intValue":"-2.0"}}', { body: { intValue: '-2' } })
})

test('enums may be numbers or names, doubles may be text', () => {
  assertRecord('{"severityNumber":"SEVERITY_NUMBER_WARN3"}', { severityNumber: 15 })
  assertRecord('{"severityNumber":"9"}', { severityNumber: 9 })
  assertRecord('{"body":{"doubleValue":"-Infinity"}}', { body: { doubleValue: '-Infinity' } })
  assertRecord('{"body":{"doubleValue":"1.5e2"}}', { body: { doubleValue: 150 } })
})

test('bytes are base64 of either alphabet, padded or not', () => {
  for (const text of ['+/8=', '-_8=', '-_8', '+\\/8']) {
    assertRecord(`{"body":{"bytesValue":"${text}"}}`, { body: { bytesValue: '+/8=' } })
  }
})

test('escapes become UTF-8; half a surrogate pair becomes the replacement character', () => {
  assertRecord('{"body":{"stringValue":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\\ud83d\\ude00"}}', {
    body: { stringValue: '"\\/\b\f\n\r\té€😀' },
  })
  assertRecord('{"body":{"stringValue":"\\ud83d-\\ud83d\\u0041\\udc00"}}', { body: { stringValue: '�-�A�' } })
})

test('null in a list of values keeps its place', () => {
  assertRecord('{"body":{"arrayValue":{"values":[{"intValue":"1"},null,{"intValue":2}]}}}', {
    body: { arrayValue: { values: [{ intValue: '1' }, {}, { intValue: '2' }] } },
  })
})

test('a long text goes through whole', () => {
  const text = 'é"\\\n'.repeat(50_000)
  assertRecord(JSON.stringify({ body: { stringValue: text } }), { body: { stringValue: text } })
})

test('bucket counts and bounds are packed', () => {
  const request = {
    resourceMetrics: [
      {
        scopeMetrics: [
          {
            metrics: [{ name: 'm', histogram: { dataPoints: [{ bucketCounts: ['1', '2'], explicitBounds: [0.5] }] } }],
          },
        ],
      },
    ],
  }
  assert.deepEqual(
    canonical(transcodeJson(Buffer.from(JSON.stringify(request)), 'metrics'), EXPORT_REQUESTS.metrics),
    canonical(encodeMetrics(request as never), EXPORT_REQUESTS.metrics),
  )
})

const FAULTS: readonly [record: string, message: RegExp, at: number][] = [
  ['{"body":{"intValue":"9223372036854775808"}}', /int_value: 9223372036854775808 is out of the range/, 21],
  ['{"body":{"intValue":99999999999999999999999}}', /out of the range/, 20],
  ['{"body":{"intValue":1.5}}', /not an exact integer/, 20],
  ['{"body":{"intValue":"01"}}', /"01" is not a number/, 21],
  ['{"body":{"intValue":"- 1"}}', /is not a number/, 21],
  ['{"body":{"doubleValue":1e999}}', /out of the range of double/, 23],
  ['{"body":{"doubleValue":"nan"}}', /"nan" is not a number/, 24],
  ['{"flags":-1}', /flags: -1 is out of the range of fixed32/, 9],
  ['{"droppedAttributesCount":4294967296}', /out of the range of uint32/, 26],
  ['{"severityNumber":"LOUD"}', /no value is named "LOUD"/, 19],
  ['{"traceId":"0g"}', /trace_id is not hexadecimal/, 12],
  ['{"traceId":"0"}', /half a byte/, 12],
  ['{"body":{"bytesValue":"a"}}', /not base64/, 23],
  ['{"body":{"bytesValue":"a+_b"}}', /not base64/, 23],
  ['{"body":{"stringValue":7}}', /expected a string/, 23],
  ['{"body":{"boolValue":"true"}}', /expected true or false/, 21],
  ['{"body":"text"}', /expected \{/, 8],
  ['{"attributes":{}}', /expected \[/, 14],
  ['{"eventName":"a","event_name":"b"}', /event_name is there twice/, 18],
  ['{"eventName":"a\\x"}', /an escape JSON does not have/, 15],
  ['{"eventName":"\\u12g4"}', /four hexadecimal digits/, 14],
  ['{"eventName":"a\u0001"}', /control character/, 15],
  ['{"eventName" "a"}', /expected :/, 13],
  ['{"eventName":"a",}', /expected a string/, 17],
  ['{"other":[1,]}', /expected a number/, 12],
  ['{"other":nul}', /expected null/, 9],
]

for (const [record, message, at] of FAULTS) {
  test(`${JSON.stringify(record)} is malformed`, () => {
    const offset = '{"resourceLogs":[{"scopeLogs":[{"logRecords":['.length
    assert.throws(
      () => transcodeJson(withRecord(record), 'logs'),
      (error: unknown) => error instanceof MalformedError && message.test(error.message) && error.at === offset + at,
    )
  })
}

test('a body that is not one whole JSON object is malformed', () => {
  for (const body of ['', ' ', '[]', '{', '{}{}', '{"resourceLogs":[{]}', '{"a":"\\', 'null', '\ufeff{}']) {
    assert.throws(() => transcodeJson(Buffer.from(body), 'logs'), MalformedError, body)
  }
})

test('values nest 64 deep and no deeper; what is skipped is bounded too', () => {
  const nested = (levels: number) =>
    `{"body":${'{"arrayValue":{"values":['.repeat(levels - 1)}{"intValue":1}${']}}'.repeat(levels - 1)}}`
  transcodeJson(withRecord(nested(64)), 'logs')
  assert.throws(() => transcodeJson(withRecord(nested(65)), 'logs'), /nested deeper than 64/)
  assert.throws(() => transcodeJson(withRecord(nested(100_000)), 'logs'), /nested deeper than 64/)
  const skipped = `{"other":${'['.repeat(100_000)}}`
  assert.throws(() => transcodeJson(withRecord(skipped), 'logs'), /nested too deep/)
})

test('the listener hears where each string came from', () => {
  const body = withRecord('{"eventName":"pl\\u0061in","severityText":"x"}')
  const places = new Map<number, string>()
  const result = transcodeJson(body, 'logs', (at, start, end) => {
    places.set(at, Buffer.from(body.subarray(start, end)).toString())
  })
  assert.deepEqual([...places.values()], ['pl\\u0061in', 'x'])
  const [at] = places.keys()
  assert.equal(Buffer.from(result.subarray(at, at + 5)).toString(), 'plain')
})
