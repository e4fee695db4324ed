import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Column, columnOf, type Value, valueAt } from '#pipeline/batch/column.ts'
import { packJson } from './pack_json.ts'

const ROWS = 6
const key = fc.string({ unit: 'grapheme', maxLength: 6 }).filter((name) => name !== 'rest' && name !== '__proto__')
const rows = (value: fc.Arbitrary<Value>) => fc.array(fc.option(value), { minLength: ROWS, maxLength: ROWS })
const column: fc.Arbitrary<Column> = fc.oneof(
  rows(fc.string({ unit: 'grapheme' })).map((values) => columnOf('text', values)),
  rows(fc.integer().map(BigInt)).map((values) => columnOf('long', values)),
  rows(fc.double()).map((values) => columnOf('double', values)),
  rows(fc.boolean()).map((values) => columnOf('boolean', values)),
  rows(fc.json().map((text) => JSON.stringify(JSON.parse(text)))).map((values) => columnOf('json', values)),
)

test('a packed row reads back as the values of its columns and rest', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(key, column), { selector: ([name]) => name, maxLength: 5 }),
      rows(
        fc
          .dictionary(key, fc.oneof(fc.integer(), fc.string()), { noNullPrototype: true })
          .map((rest) => JSON.stringify(rest)),
      ),
      (named, rest) => {
        const columns = new Map<string, Column>(named.map(([name, values]) => [`attributes.${name}`, values]))
        columns.set('attributes.rest', columnOf('json', rest))
        const packed = packJson(columns, 'attributes', ROWS)
        for (let row = 0; row < ROWS; row++) {
          const expected = rest[row] === null ? {} : JSON.parse(rest[row] as string)
          for (const [name, values] of named) {
            const value = valueAt(values, row)
            if (value !== null) expected[name] = asJson(values, value)
          }
          const text = packed === null ? null : valueAt(packed, row)
          assert.deepEqual(text === null ? {} : JSON.parse(text as string), expected)
        }
      },
    ),
  )
})

function asJson(column: Column, value: Value): unknown {
  if (column.type === 'json') return JSON.parse(value as string)
  if (column.type === 'long') return Number(value)
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
}
