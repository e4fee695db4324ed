import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LEVELS, levelOfNumber, levelOfText } from './level.ts'
import { START_MICROS } from './testing/raw.ts'
import { attributes, readLog, readRows } from './testing/read.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const SPAN_ID = 'b7ad6b7169203331'

describe('a log record', () => {
  it('fills the columns of the table', () => {
    const row = readLog({
      timeUnixNano: '1767225600000000123',
      observedTimeUnixNano: '1767225600000001000',
      severityNumber: 13,
      severityText: 'warning',
      body: { stringValue: 'disk "a"\n is full' },
      attributes: attributes({ 'disk.id': 7n }),
      droppedAttributesCount: 2,
      flags: 1,
      traceId: TRACE_ID,
      spanId: SPAN_ID,
      eventName: 'disk.full',
    })
    const { message_size_bytes, ...rest } = row
    assert.deepEqual(rest, {
      timestamp: 1767225600000000n,
      timestamp_nanos: 123n,
      observed_timestamp: 1767225600000001n,
      severity___severity_number: 13n,
      severity___severity_text: 'warning',
      level: 'WARN',
      kind: 'log',
      name: 'disk.full',
      body: '"disk \\"a\\"\\n is full"',
      context___trace_id: TRACE_ID,
      context___span_id: SPAN_ID,
      parent_id: SPAN_ID,
      context___trace_flags: '01',
      flags: 1n,
      dropped_attributes_count: 2n,
      'attributes.disk.id': 7n,
    })
    assert.ok((message_size_bytes as bigint) > 100n && (message_size_bytes as bigint) < 200n)
  })

  it('without a time takes its observed time, else the received time, and says so', () => {
    const observed = readLog({ observedTimeUnixNano: '1767225600000000123' })
    assert.equal(observed.timestamp, 1767225600000000n)
    assert.equal(observed.timestamp_nanos, 123n)
    assert.equal(observed.otlp_exact, '{"time":"0"}')
    const none = readLog({})
    assert.equal(none.timestamp, BigInt(START_MICROS))
    assert.equal(none.observed_timestamp, undefined)
    assert.equal(none.otlp_exact, '{"time":"0"}')
  })

  it('may be from any time a 64-bit number can say', () => {
    for (const nanos of [
      1n,
      999n,
      1000n,
      2n ** 53n + 1n,
      2n ** 63n - 1n,
      2n ** 63n,
      0x7d000000n << 32n,
      2n ** 64n - 1n,
    ]) {
      const row = readLog({ timeUnixNano: String(nanos) })
      assert.equal(row.timestamp, nanos / 1000n, `${nanos} ns`)
      assert.equal(row.timestamp_nanos ?? 0n, nanos % 1000n, `${nanos} ns`)
    }
  })

  it('keeps the structure of its body', () => {
    const body = (value: object): unknown => readLog({ timeUnixNano: '1', body: value }).body
    assert.equal(body({ kvlistValue: { values: attributes({ a: 1n, b: 1, c: 'x' }) } }), '{"a":1,"b":1.0,"c":"x"}')
    assert.equal(body({ arrayValue: {} }), '[]')
    assert.equal(body({ intValue: '-9223372036854775808' }), '-9223372036854775808')
    assert.equal(body({ boolValue: false }), 'false')
    assert.equal(body({ stringValue: '' }), '""')
    assert.equal(body({}), undefined)
  })

  it('has a body that is not text in otlp_exact too', () => {
    const row = readLog({ timeUnixNano: '1', body: { bytesValue: '3q2+7w==' } })
    assert.equal(row.body, '"3q2+7w=="')
    assert.equal(row.otlp_exact, '{"body":{"bytesValue":"3q2+7w=="}}')
  })

  it('has a name of at most 500 characters', () => {
    const name = 'ä'.repeat(500)
    assert.equal(readLog({ timeUnixNano: '1', eventName: name }).name, name)
    const cut = readLog({ timeUnixNano: '1', eventName: `${name}ö` })
    assert.equal(cut.name, name)
    assert.equal(cut.otlp_exact, JSON.stringify({ name: `${name}ö` }))
  })

  it('has the scope and the schema URLs it came with', () => {
    const [row, other] = readRows('logs', {
      resourceLogs: [
        {
          schemaUrl: 'https://resource',
          resource: { droppedAttributesCount: 3, entityRefs: [{ type: 'service', idKeys: ['service.name'] }] },
          scopeLogs: [
            {
              schemaUrl: 'https://scope',
              scope: { name: 'lib', version: '1', attributes: attributes({ a: 1n }), droppedAttributesCount: 4 },
              logRecords: [{ timeUnixNano: '1' }],
            },
          ],
        },
        { scopeLogs: [{ logRecords: [{ timeUnixNano: '1' }] }] },
      ],
    })
    assert.equal(row.scope___name, 'lib')
    assert.equal(row.scope___version, '1')
    assert.equal(row.scope___attributes, '{"a":1}')
    assert.equal(row.scope___dropped_attributes_count, 4n)
    assert.equal(row.scope___schema_url, 'https://scope')
    assert.equal(row.resource___schema_url, 'https://resource')
    assert.equal(row.resource___dropped_attributes_count, 3n)
    assert.deepEqual(JSON.parse(row.otlp_exact as string), {
      entityRefs: [{ type: 'service', idKeys: ['service.name'], descriptionKeys: [] }],
    })
    assert.deepEqual(Object.keys(other).sort(), ['kind', 'message_size_bytes', 'timestamp', 'timestamp_nanos'])
  })
})

describe('the level', () => {
  it('comes from the severity number, four to a level', () => {
    assert.deepEqual(
      [0, 1, 4, 5, 9, 12, 13, 17, 21, 24, 25, -1].map((number) => LEVELS[levelOfNumber(number)]),
      [undefined, 'TRACE', 'TRACE', 'DEBUG', 'INFO', 'INFO', 'WARN', 'ERROR', 'FATAL', 'FATAL', undefined, undefined],
    )
  })

  it('comes from the text where there is no number', () => {
    const levels = Object.entries({
      WARNING: 'WARN',
      critical: 'FATAL',
      Information: 'INFO',
      err: 'ERROR',
      ' Info2 ': 'INFO',
      notice: 'INFO',
      constructor: undefined,
      '': undefined,
    })
    for (const [text, level] of levels) assert.equal(LEVELS[levelOfText(text)], level, text)
    assert.equal(readLog({ severityText: 'Critical' }).level, 'FATAL')
    assert.equal(readLog({ severityText: 'Critical', severityNumber: 9 }).level, 'INFO')
    assert.equal(readLog({ severityText: 'unheard-of' }).level, undefined)
  })
})
