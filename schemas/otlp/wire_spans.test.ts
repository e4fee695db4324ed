import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Span } from './otlp.ts'
import { START_MICROS } from './testing/raw.ts'
import { attributes, readSpan } from './testing/read.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const SPAN_ID = 'b7ad6b7169203331'
const PARENT_ID = '00f067aa0ba902b7'

/** The least that needs nothing in `otlp_exact`. */
const PLAIN: Span = { startTimeUnixNano: '1767225600000000000', kind: 1 }

describe('a span', () => {
  it('fills the columns of the table', () => {
    const { message_size_bytes: _, ...row } = readSpan({
      traceId: TRACE_ID,
      spanId: SPAN_ID,
      parentSpanId: PARENT_ID,
      traceState: 'a=b',
      flags: 0x301,
      name: 'GET /cart',
      kind: 3,
      startTimeUnixNano: '1767225600000000001',
      endTimeUnixNano: '1767225600250000000',
      attributes: attributes({ 'http.route': '/cart' }),
      droppedAttributesCount: 1,
      droppedEventsCount: 2,
      droppedLinksCount: 3,
      status: { code: 2, message: 'no cart' },
    })
    assert.deepEqual(row, {
      timestamp: 1767225600000000n,
      timestamp_nanos: 1n,
      end_time: 1767225600250000n,
      duration: 249999999n,
      name: 'GET /cart',
      kind: 'client',
      level: 'ERROR',
      status_code: 'ERROR',
      status_message: 'no cart',
      context___trace_id: TRACE_ID,
      context___span_id: SPAN_ID,
      parent_id: PARENT_ID,
      context___trace_state: 'a=b',
      context___trace_flags: '01',
      context___is_remote: true,
      flags: 769n,
      dropped_attributes_count: 1n,
      dropped_events_count: 2n,
      dropped_links_count: 3n,
      'attributes.http.route': '/cart',
    })
  })

  it('has a kind and a status of the words there are', () => {
    const kinds = [1, 2, 3, 4, 5].map((kind) => readSpan({ ...PLAIN, kind }).kind)
    assert.deepEqual(kinds, ['internal', 'server', 'client', 'producer', 'consumer'])
    const codes = [0, 1, 2].map((code) => readSpan({ ...PLAIN, status: { code } }))
    assert.deepEqual(
      codes.map((row) => row.status_code),
      ['UNSET', 'OK', 'ERROR'],
    )
    assert.deepEqual(
      codes.map((row) => row.level),
      [undefined, undefined, 'ERROR'],
    )
    assert.ok(codes.every((row) => row.otlp_exact === undefined))
  })

  it('says in otlp_exact what the words do not say', () => {
    const unspecified = readSpan({ ...PLAIN, kind: 0 })
    assert.equal(unspecified.kind, 'internal')
    assert.equal(unspecified.otlp_exact, '{"kind":0}')
    const unknown = readSpan({ ...PLAIN, kind: 9, status: { code: 7 } })
    assert.equal(unknown.kind, 'internal')
    assert.equal(unknown.status_code, 'UNSET')
    assert.deepEqual(JSON.parse(unknown.otlp_exact as string), { kind: 9, statusCode: 7 })
  })

  it('knows whether its parent is remote only where the flags say so', () => {
    const remote = (flags: number): unknown => readSpan({ ...PLAIN, flags }).context___is_remote
    assert.deepEqual([0, 1, 0x100, 0x300, 0x200].map(remote), [undefined, undefined, false, true, undefined])
  })

  it('has a duration if it began and ended, negative ones too', () => {
    const duration = (start: string, end: string): unknown =>
      readSpan({ kind: 1, startTimeUnixNano: start, endTimeUnixNano: end }).duration
    assert.equal(duration('10', '30'), 20n)
    assert.equal(duration('30', '10'), -20n)
    assert.equal(duration('1', String(2n ** 63n)), 2n ** 63n - 1n)
    assert.equal(duration('1', String(2n ** 63n + 1n)), undefined)
    assert.equal(duration(String(2n ** 63n + 1n), '1'), -(2n ** 63n))
    assert.equal(duration('1', String(2n ** 53n + 2n)), 2n ** 53n + 1n)
    assert.equal(duration('0', '10'), undefined)
    assert.equal(duration('10', '0'), undefined)
  })

  it('without a start is filed under the received time', () => {
    const row = readSpan({ kind: 1, endTimeUnixNano: '1767225600000000000' })
    assert.equal(row.timestamp, BigInt(START_MICROS))
    assert.equal(row.end_time, 1767225600000000n)
    assert.equal(row.otlp_exact, '{"time":"0"}')
  })

  it('has its events as JSON', () => {
    const row = readSpan({
      ...PLAIN,
      events: [
        {
          timeUnixNano: '1767225600000000007',
          name: 'exception',
          attributes: attributes({ 'exception.type': 'E', n: 1n }),
          droppedAttributesCount: 1,
        },
        {},
      ],
    })
    assert.deepEqual(JSON.parse(row.events as string), [
      {
        event_name: 'exception',
        event_time: '2026-01-01T00:00:00.000000007Z',
        event_attributes: { 'exception.type': 'E', n: 1 },
        event_dropped_attributes_count: 1,
      },
      {
        event_name: '',
        event_time: '1970-01-01T00:00:00.000000000Z',
        event_attributes: {},
        event_dropped_attributes_count: 0,
      },
    ])
    assert.equal(row.otlp_exact, undefined)
  })

  it('has its links as JSON text', () => {
    const link = { traceId: TRACE_ID, spanId: SPAN_ID, traceState: 'x=y', flags: 1, droppedAttributesCount: 5 }
    const row = readSpan({ ...PLAIN, links: [{ ...link, attributes: attributes({ why: 'retry' }) }] })
    assert.deepEqual(JSON.parse(row.links as string), [
      {
        link_trace_id: TRACE_ID,
        link_span_id: SPAN_ID,
        link_trace_state: 'x=y',
        link_attributes: { why: 'retry' },
        link_dropped_attributes_count: 5,
        link_flags: 1,
      },
    ])
    assert.equal(row.otlp_exact, undefined)
  })

  it('has all events and links in otlp_exact where one of them needs it', () => {
    const odd = { key: 'b', value: { bytesValue: 'AA==' } }
    const exact = { attributes: [odd], droppedAttributesCount: 0 }
    const row = readSpan({ ...PLAIN, events: [{}, { attributes: [odd] }], links: [{ attributes: [odd] }] })
    assert.deepEqual(JSON.parse(row.otlp_exact as string), {
      events: [
        { timeUnixNano: '0', name: '', attributes: [], droppedAttributesCount: 0 },
        { timeUnixNano: '0', name: '', ...exact },
      ],
      links: [{ traceId: '', spanId: '', traceState: '', ...exact, flags: 0 }],
    })
  })
})
