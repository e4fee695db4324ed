import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Batch } from '#pipeline/batch/batch.ts'
import { columnOf, packDictionary } from '#pipeline/batch/column.ts'
import { batchOf } from '#pipeline/testing/samples.ts'
import { otelLogsAndSpans } from '../tables/tables.ts'
import { parseFilter } from './parser.ts'
import { compareUtf8, compilePredicate } from './predicate.ts'

const passing = (text: string, batch: Batch) => compilePredicate(parseFilter(text, otelLogsAndSpans))(batch)

const BATCH = batchOf(0, {
  timestamp: ['long', [1n, 2n, 3n, 4n]],
  name: ['text', ['checkout', 'Checkout failed', null, 'x']],
  body: ['json', ['"Card Declined"', '{"card":"declined"}', null, '12']],
  duration: ['long', [5n, null, 7n, 9n]],
  'attributes.http.route': ['text', ['/a', null, null, null]],
  'attributes.rest': ['json', [null, '{"http":{"route":"/b"}}', '{"http.route":5}', null]],
})

describe('a predicate', () => {
  for (const [text, rows] of [
    ['', [0, 1, 2, 3]],
    ['checkout', [0, 1]],
    ['"card declined"', [0]],
    ['declined', [0, 1]],
    ["name = 'x' or duration < 8", [0, 2, 3]],
    ['not duration < 8', [3]],
    ["not (duration < 8 and name = 'x')", [0, 1, 3]],
    ['duration is null', [1]],
    ['status_message is null', [0, 1, 2, 3]],
    ["status_message = 'x' or not status_message = 'x'", []],
    ["attributes->>'http.route' in ('/a', '/b', '5')", [0, 1, 2]],
    ["attributes->'http'->>'route' is null", [3]],
    ["body ~ '^[0-9]+$'", [3]],
  ] as const) {
    it(text === '' ? 'of nothing' : text, () => assert.deepEqual(passing(text, BATCH), rows))
  }

  it('looks at a text once for all rows that have it, and at none that no row has', () => {
    const encoder = new TextEncoder()
    const rows = 10_000
    const body = packDictionary('json', [encoder.encode('"a"'), encoder.encode('"b"')], new Uint8Array(rows).fill(2))
    const batch: Batch = { ...BATCH, eventCount: rows, columns: new Map([['body', body]]) }
    let decoded = 0
    const counting = new Proxy(body.data, {
      get(data, member) {
        if (member === 'subarray' || member === '0' || member === '3') decoded++
        const value = Reflect.get(data, member, data)
        return typeof value === 'function' ? value.bind(data) : value
      },
    })

    const columns = new Map([['body', { ...body, data: counting }]])
    assert.equal(passing("body like '%b%'", { ...batch, columns }).length, rows)
    assert.equal(decoded, 1)
  })

  it('keeps to the batch it is given: views of one are not those of another', () => {
    const other = batchOf(1, { timestamp: ['long', [1n]], 'attributes.http.route': ['text', ['/z']] })
    const passes = compilePredicate(parseFilter("attributes->>'http.route' = '/a'", otelLogsAndSpans))
    assert.deepEqual([passes(BATCH), passes(other), passes(BATCH)], [[0], [], [0]])
  })
})

describe('texts', () => {
  it('are ordered by their UTF-8 bytes', () => {
    const texts = ['', 'a', 'ab', 'b', 'é', '\ud7ff', '\ue000', '\uffff', '😀', '\u{10ffff}']
    for (const one of texts) {
      for (const other of texts) {
        assert.equal(
          Math.sign(compareUtf8(one, other)),
          Buffer.from(one).compare(Buffer.from(other)),
          `${one} ${other}`,
        )
      }
    }
  })

  it('of columns with repeated entries compare alike', () => {
    const column = columnOf('text', ['a', 'a', 'b'])
    assert.deepEqual(passing("name = 'a'", { ...BATCH, eventCount: 3, columns: new Map([['name', column]]) }), [0, 1])
  })
})
