import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KeyValue } from './otlp.ts'
import { encodeLogs } from './testing/encode.ts'
import { attributes, type Row, readBytes, readRows, rowsOf } from './testing/read.ts'
import { MAX_ATTRIBUTE_COLUMNS } from './wire_attributes.ts'

function logs(...records: KeyValue[][]): Row[] {
  const logRecords = records.map((each) => ({ timeUnixNano: '1', attributes: each }))
  return readRows('logs', { resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
}

function picked(row: Row, prefix = 'attributes.'): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => name.startsWith(prefix)))
}

const int = (key: string, value: number): KeyValue => ({ key, value: { intValue: String(value) } })

describe('attributes in columns', () => {
  it('have a column each, of the type of the value', () => {
    const values = attributes({ text: 'a', long: -(2n ** 63n), double: 1.5, yes: true, no: false, empty: '' })
    const list: KeyValue = { key: 'list', value: { arrayValue: { values: [{ intValue: '1' }, { doubleValue: 1 }] } } }
    const map: KeyValue = { key: 'map', value: { kvlistValue: { values: attributes({ a: 'b', c: true }) } } }
    assert.deepEqual(picked(logs([...values, list, map])[0]), {
      'attributes.text': 'a',
      'attributes.long': -(2n ** 63n),
      'attributes.double': 1.5,
      'attributes.yes': true,
      'attributes.no': false,
      'attributes.empty': '',
      'attributes.list': '[1,1.0]',
      'attributes.map': '{"a":"b","c":true}',
    })
  })

  it('go to the rest where their type is not that of their column', () => {
    const rows = logs(attributes({ k: 'text' }), attributes({ k: 7n }), attributes({ k: true, other: 1n }))
    assert.deepEqual(
      rows.map((row) => picked(row)),
      [
        { 'attributes.k': 'text' },
        { 'attributes.rest': '{"k":7}' },
        { 'attributes.rest': '{"k":true}', 'attributes.other': 1n },
      ],
    )
    assert.ok(rows.every((row) => row.otlp_exact === undefined))
  })

  it('found in another order, or with others missing, are found', () => {
    const rows = logs(attributes({ a: '1', b: '2', c: '3' }), attributes({ c: '4', a: '5' }), attributes({ b: '6' }))
    assert.deepEqual(
      rows.map((row) => picked(row)),
      [
        { 'attributes.a': '1', 'attributes.b': '2', 'attributes.c': '3' },
        { 'attributes.a': '5', 'attributes.c': '4' },
        { 'attributes.b': '6' },
      ],
    )
  })

  it('may have an empty name, or one that a column of ours has', () => {
    const row = logs(attributes({ '': 'none', rest: 'of us', __proto__x: 'p' }))[0]
    assert.equal(row['attributes.'], 'none')
    assert.equal(row['attributes.rest'], '{"rest":"of us"}')
    assert.equal(row['attributes.__proto__x'], 'p')
  })

  it('that are repeated show the first value and are all in otlp_exact', () => {
    const [row, next] = logs([int('a', 1), int('b', 2), int('a', 3)], [int('a', 4)])
    assert.deepEqual(picked(row), { 'attributes.a': 1n, 'attributes.b': 2n })
    assert.deepEqual(JSON.parse(row.otlp_exact as string), { attributes: [int('a', 1), int('a', 3)] })
    assert.equal(next.otlp_exact, undefined)
  })

  it('that plain JSON cannot hold are in otlp_exact too', () => {
    const odd: KeyValue[] = [
      { key: 'bytes', value: { bytesValue: 'AP8=' } },
      { key: 'unset', value: {} },
      { key: 'nan', value: { doubleValue: 'NaN' } },
      { key: 'deep', value: { arrayValue: { values: [{ bytesValue: '' }] } } },
      { key: 'twice', value: { kvlistValue: { values: [int('k', 1), int('k', 2)] } } },
    ]
    const row = logs([...odd, int('plain', 1)])[0]
    assert.deepEqual(picked(row), {
      'attributes.rest': '{"bytes":"AP8=","unset":null}',
      'attributes.nan': Number.NaN,
      'attributes.deep': '[""]',
      'attributes.twice': '{"k":1}',
      'attributes.plain': 1n,
    })
    assert.deepEqual(JSON.parse(row.otlp_exact as string), { attributes: odd })
  })

  it(`have at most ${MAX_ATTRIBUTE_COLUMNS} columns in a batch, the resource's included`, () => {
    const keys = (from: number, count: number): KeyValue[] =>
      Array.from({ length: count }, (_, at) => int(`k${from + at}`, from + at))
    const [row] = readRows('logs', {
      resourceLogs: [
        {
          resource: { attributes: keys(0, 5) },
          scopeLogs: [{ logRecords: [{ attributes: keys(0, MAX_ATTRIBUTE_COLUMNS - 2) }] }],
        },
      ],
    })
    const columns = Object.keys(row).filter((name) => /^(attributes|resource)\.k/.test(name))
    assert.equal(columns.length, MAX_ATTRIBUTE_COLUMNS)
    assert.equal(row['attributes.rest'], undefined)
    assert.equal(row['resource.rest'], '{"k2":2,"k3":3,"k4":4}')
  })

  it('lose nothing with 10,000 different keys', () => {
    const wanted = Array.from({ length: 500 }, (_, row) =>
      Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`key.${row * 20 + at}`, BigInt(row * at)])),
    )
    const rows = logs(...wanted.map(attributes))
    for (const [at, row] of rows.entries()) {
      const { 'attributes.rest': rest = '{}', ...columns } = picked(row)
      const seen = new Map(
        Object.entries(JSON.parse(rest as string)).map(([key, value]) => [key, BigInt(value as number)]),
      )
      for (const [name, value] of Object.entries(columns)) seen.set(name.slice('attributes.'.length), value as bigint)
      assert.deepEqual(Object.fromEntries(seen), wanted[at])
    }
  })

  it('of a resource are on all its rows and on no others', () => {
    const group = (service: string, logs: number, more: KeyValue[] = []) => ({
      resource: { attributes: [...attributes({ 'service.name': service }), ...more] },
      scopeLogs: [{ logRecords: Array.from({ length: logs }, () => ({})) }],
    })
    const rows = readRows('logs', {
      resourceLogs: [
        group('a', 2, [int('n', 1)]),
        group('none', 0),
        group('b', 1, attributes({ n: 'x' })),
        { scopeLogs: [{ logRecords: [{}] }] },
        group('a', 1, [{ key: 'n', value: { bytesValue: 'AA==' } }]),
      ],
    })
    assert.deepEqual(
      rows.map((row) => picked(row, 'resource.')),
      [
        { 'resource.service.name': 'a', 'resource.n': 1n },
        { 'resource.service.name': 'a', 'resource.n': 1n },
        { 'resource.service.name': 'b', 'resource.rest': '{"n":"x"}' },
        {},
        { 'resource.service.name': 'a', 'resource.rest': '{"n":"AA=="}' },
      ],
    )
    const exact = rows.map((row) => JSON.parse(row.otlp_exact as string).resource)
    assert.deepEqual(exact, [undefined, undefined, undefined, undefined, [{ key: 'n', value: { bytesValue: 'AA==' } }]])
  })

  it('with text that is not UTF-8 show replacement characters', () => {
    const list: KeyValue = { key: 'list', value: { arrayValue: { values: [{ stringValue: 'xßy' }] } } }
    const request = {
      resourceLogs: [{ scopeLogs: [{ logRecords: [{ attributes: [...attributes({ k: 'xßy' }), list] }] }] }],
    }
    const body = Buffer.from(encodeLogs(request))
    // The second byte of each ß becomes one that cannot follow the first.
    for (let at = body.indexOf('ß'); at >= 0; at = body.indexOf('ß')) body[at + 1] = 0xc3
    const [row] = rowsOf(readBytes('logs', body, 1))
    assert.equal(row['attributes.k'], 'x\ufffd\ufffdy')
    assert.equal(row['attributes.list'], '["x\ufffd\ufffdy"]')
  })
})
