import assert from 'node:assert/strict'
import { test } from 'node:test'
import { INSPECT_LIMITS, inspect } from './inspect.ts'
import { MalformedError, TooLargeError } from './messages.ts'
import { mask, splitByResource } from './resource_keys.ts'
import { encodeLogs, encodeMetrics, encodeTraces } from './testing/encode.ts'
import { Message } from './testing/message.ts'
import { ExportReader } from './wire_export.ts'

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } })

function logs(records: object[], attributes: object[] = []): Uint8Array {
  return encodeLogs({ resourceLogs: [{ resource: { attributes }, scopeLogs: [{ logRecords: records }] }] } as never)
}

/** A message around `content`, by field numbers from the inside out. */
function within(content: Message, ...fields: number[]): Uint8Array {
  return fields.reduce((inner, field) => new Message().message(field, inner), content).bytes()
}

/** A log record of this content. */
function record(content: Message): Uint8Array {
  return within(content, 2, 2, 1)
}

test('counts logs, spans and data points of every kind', () => {
  assert.equal(inspect(logs([{}, {}, {}]), 'logs').eventCount, 3)
  const span = { events: [{ name: 'not counted' }], links: [{}] }
  const traces = { resourceSpans: [{ scopeSpans: [{ spans: [span] }, { spans: [span, span] }] }] }
  assert.equal(inspect(encodeTraces(traces as never), 'traces').eventCount, 3)
  const dataPoints = [{ exemplars: [{}] }, {}]
  const metrics = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'].map((kind) => ({
    [kind]: { dataPoints },
  }))
  const request = { resourceMetrics: [{ scopeMetrics: [{ metrics: [...metrics, { name: 'none' }] }] }] }
  assert.equal(inspect(encodeMetrics(request as never), 'metrics').eventCount, 10)
  assert.equal(inspect(new Uint8Array(0), 'logs').eventCount, 0)
})

test('events at a limit are taken, those over it are refused by index', () => {
  const limits = { maxEvents: 10, maxEventBytes: 100, maxAttributes: 3 }
  const sized = (bytes: number) => ({ eventName: 'x'.repeat(bytes - 2) })
  const attributes = (count: number) => ({ attributes: Array.from({ length: count }, (_, at) => text(`k${at}`, 'v')) })
  const result = inspect(logs([sized(100), sized(101), attributes(3), attributes(4), {}]), 'logs', limits)
  assert.equal(result.eventCount, 5)
  assert.deepEqual(
    [...result.refused],
    [
      [1, 'event_too_large'],
      [3, 'too_many_attributes'],
    ],
  )
})

test('more events, resources or resource attributes than allowed make the export too large', () => {
  const limits = { ...INSPECT_LIMITS, maxEvents: 3, maxAttributes: 2 }
  assert.equal(inspect(logs([{}, {}, {}]), 'logs', limits).eventCount, 3)
  assert.throws(() => inspect(logs([{}, {}, {}, {}]), 'logs', limits), TooLargeError)
  const resources = { resourceLogs: [{}, {}, {}, {}] }
  assert.throws(() => inspect(encodeLogs(resources), 'logs', limits), /more than 3 resources/)
  const many = [text('a', ''), text('b', ''), text('c', '')]
  assert.throws(() => inspect(logs([{}], many), 'logs', limits), /Resource: more than 2 attributes/)
})

test('65,536 events fit, one more does not', () => {
  const events = Array.from({ length: 65_536 }, () => ({}))
  assert.equal(inspect(logs(events), 'logs').eventCount, 65_536)
  assert.throws(() => inspect(logs([...events, {}]), 'logs'), TooLargeError)
})

test('bytes that are no export are malformed', () => {
  const faults: Record<string, Uint8Array> = {
    'a length past the end': Buffer.from([0x0a, 5, 1]),
    'a length beyond 32 bits': Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
    'a varint of eleven bytes': record(new Message().raw(99, Buffer.alloc(0), true)).fill(0xff, 6),
    'field number 0': record(new Message().varint(0, 1n)),
    'text where a number belongs': record(new Message().raw(1, Buffer.from('now'))),
    'a group': Buffer.from([0x0b, 0x0c]),
    'a fixed64 cut short': Buffer.from([...record(new Message()).subarray(0, 4), 2, 0x09, 1]),
    'packed numbers of half a size': within(new Message().raw(6, Buffer.alloc(12)), 1, 9, 2, 2, 1),
  }
  for (const [what, bytes] of Object.entries(faults)) {
    assert.throws(() => inspect(bytes, what.startsWith('packed') ? 'metrics' : 'logs'), MalformedError, what)
  }
})

test('unknown fields, long forms of lengths, packed and unpacked numbers are all legal', () => {
  const unknown = new Message().raw(1000, Buffer.from('new'), true).varint(200, 5n).fixed32(17, 1).fixed64(18, '1')
  assert.equal(inspect(record(unknown), 'logs').eventCount, 1)
  assert.equal(inspect(Buffer.from([0x8a, 0x00, 0x80, 0x80, 0x00]), 'logs').resourceCount, 1)
  const counts = new Message().packedFixed64(6, ['1', '2']).fixed64(6, '3')
  assert.equal(inspect(within(counts, 1, 9, 2, 2, 1), 'metrics').eventCount, 1)
})

test('a metric holds one kind of data', () => {
  const points = new Message().message(1, new Message())
  const both = new Message().message(5, points).message(7, points)
  assert.throws(() => inspect(within(both, 2, 2, 1), 'metrics'), /more than one kind of data/)
})

test('values nest 64 deep and no deeper', () => {
  let value: object = { intValue: '1' }
  for (let level = 1; level < 64; level++) value = { arrayValue: { values: [value] } }
  const deepest = logs([{ body: value }])
  assert.equal(inspect(deepest, 'logs').eventCount, 1)
  const reader = new ExportReader('logs')
  reader.read({ eventCount: 1, refused: [], receivedAt: 0 }, () => deepest)
  assert.deepEqual(reader.finish().malformed, [], 'the pipeline reads what is let in')
  assert.throws(() => inspect(logs([{ body: { arrayValue: { values: [value] } } }]), 'logs'), /deeper than 64/)
})

test('keys in resources are found, masked in place and tell resources apart', () => {
  const body = encodeLogs({
    resourceLogs: [
      {
        resource: { attributes: [text('service.name', 'a'), text('x-api-key', 'mr_one')] },
        scopeLogs: [{ logRecords: [{}] }],
      },
      { scopeLogs: [{ logRecords: [{ attributes: [text('x-api-key', 'not a resource')] }] }] },
      { resource: { attributes: [text('x-api-key', 'mr_two')] } },
    ],
  })
  const { keys, resourceCount } = inspect(body, 'logs')
  assert.equal(resourceCount, 3)
  assert.deepEqual(
    keys.map(({ resource, start, end }) => [resource, Buffer.from(body.subarray(start, end)).toString()]),
    [
      [0, 'mr_one'],
      [2, 'mr_two'],
    ],
  )
  const masked = mask(body, keys)
  assert.equal(masked.length, body.length)
  assert.ok(!Buffer.from(masked).includes('mr_'))
  assert.ok(Buffer.from(body).includes('mr_one'), 'the body given is left alone')
  const parts = splitByResource(body, ['p', 'q', 'p'])
  assert.deepEqual(
    [...parts].map(([owner, part]) => [owner, inspect(part, 'logs').resourceCount]),
    [
      ['p', 2],
      ['q', 1],
    ],
  )
})

test('a key that is not one string is malformed: it could not be masked', () => {
  const named = () => new Message().string(1, 'x-api-key')
  const value = (content: Message) => named().message(2, content)
  for (const attribute of [
    named(),
    value(new Message()),
    value(new Message().varint(3, 7n)),
    value(new Message().raw(7, Buffer.from('bytes'))),
    value(new Message().string(1, 'a').string(1, 'b')),
    value(new Message().string(1, 'a')).message(2, new Message().string(1, 'b')),
  ]) {
    assert.throws(() => inspect(within(attribute, 1, 1, 1), 'logs'), /x-api-key is not one string/)
  }
  const valueFirst = new Message().message(2, new Message().string(1, 'k')).string(1, 'x-api-key')
  assert.equal(inspect(within(valueFirst, 1, 1, 1), 'logs').keys.length, 1)
})
