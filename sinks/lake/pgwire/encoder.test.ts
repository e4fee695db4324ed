/** Values as a PostgreSQL 15 gives them: each expectation was read from one. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { QueryValue } from '#schemas/query.ts'
import { encoder } from './encoder.ts'
import { decodeParameter, parseArray } from './parameters.ts'
import { pgType, typeNamed } from './types.ts'

const TEXT: readonly (readonly [type: string, value: QueryValue, text: string | null])[] = [
  ['text', null, null],
  ['boolean', true, 't'],
  ['boolean', false, 'f'],
  ['bigint', '9223372036854775807', '9223372036854775807'],
  ['double precision', 1e15, '1e+15'],
  ['double precision', 999999999999999, '999999999999999'],
  ['double precision', 1e-4, '0.0001'],
  ['double precision', 1.5e-5, '1.5e-05'],
  ['double precision', 1e100, '1e+100'],
  ['double precision', -0, '-0'],
  ['double precision', 123456.789, '123456.789'],
  ['double precision', 12345678901234568, '1.2345678901234568e+16'],
  ['double precision', 'NaN', 'NaN'],
  ['real', Math.fround(0.1), '0.1'],
  ['real', 1e6, '1e+06'],
  ['real', 16777216, '1.6777216e+07'],
  ['real', Math.fround(1e-5), '1e-05'],
  ['timestamptz', '2026-11-22T16:11:01.766000Z', '2026-11-22 16:11:01.766+00'],
  ['timestamptz', '2026-11-22T16:11:01.000000Z', '2026-11-22 16:11:01+00'],
  ['timestamptz', '-000043-03-15T12:00:00.000000Z', '0044-03-15 12:00:00+00 BC'],
  ['timestamptz', '+012026-01-01T00:00:00.000001Z', '12026-01-01 00:00:00.000001+00'],
  ['timestamptz', 'infinity', 'infinity'],
  ['blob', '\\x00\\xFFA', '\\x00ff41'],
  ['interval', '1 year 2 months -3 days 04:05:06.5', '1 year 2 mons -3 days +04:05:06.5'],
  ['interval', '-1 day', '-1 days'],
  ['interval', '1 month 1 day', '1 mon 1 day'],
  ['interval', '00:00:00', '00:00:00'],
  ['json', '{"id":9223372036854775807}', '{"id":9223372036854775807}'],
  [
    'text[]',
    ['a', 'b c', '', 'NULL', 'x"y', 'a\\b', '{', 'a,b', null],
    '{a,"b c","","NULL","x\\"y","a\\\\b","{","a,b",NULL}',
  ],
  ['boolean[]', [true, false], '{t,f}'],
  ['timestamptz[]', ['2026-11-22T16:11:01.766000Z'], '{"2026-11-22 16:11:01.766+00"}'],
  ['bigint[][]', [[1, 2], [3, 4]], '{{1,2},{3,4}}'], // biome-ignore format: pairs
  ['struct(a integer)', "{'a': 1}", "{'a': 1}"],
]

const BINARY: readonly (readonly [type: string, value: QueryValue, hex: string])[] = [
  ['bigint', -1, 'ffffffffffffffff'],
  ['bigint', '9223372036854775807', '7fffffffffffffff'],
  ['double precision', 0.5, '3fe0000000000000'],
  ['boolean', true, '01'],
  ['smallint', -2, 'fffe'],
  ['real', 1.5, '3fc00000'],
  ['timestamptz', '2026-11-22T16:11:01.766000Z', '000303de7e013f70'],
  ['timestamptz', '1999-12-31T23:59:59.500000Z', 'fffffffffff85ee0'],
  ['timestamptz', 'infinity', '7fffffffffffffff'],
  ['timestamp', '2026-11-22 16:11:01.766', '000303de7e013f70'],
  ['date', '2026-11-22', '0000265e'],
  ['date', '1969-12-31', 'ffffd532'],
  ['uuid', '00000000-0000-4000-8000-00000000000a', '0000000000004000800000000000000a'],
  ['uinteger', 16400, '00004010'],
  ['numeric', 0, '0000000000000000'],
  ['numeric', 1.5, '000200000000000100011388'],
  ['numeric', '-12345678.000123', '000400014000000604d2162e000108fc'],
  ['numeric', 10000, '00010001000000000001'],
  ['numeric', '0.00001', '0001fffe0000000503e8'],
  ['numeric', '123456789012345678901234567890', '0008000700000000000c0d801ed204d2162e23340d801ed2'],
  ['text[]', ['a', null, 'é'], '00000001000000010000001900000003000000010000000161ffffffff00000002c3a9'],
  ['bigint[]', [1, 2], '0000000100000000000000140000000200000001000000080000000000000001000000080000000000000002'],
  ['text[]', [], '000000000000000000000019'],
]

describe('values', () => {
  for (const [type, value, text] of TEXT) {
    it(`text: ${type} ${JSON.stringify(value)}`, () => assert.equal(encoder(type, 0)(value), text))
  }
  for (const [type, value, hex] of BINARY) {
    it(`binary: ${type} ${JSON.stringify(value)}`, () => {
      assert.equal((encoder(type, 1)(value) as Buffer).toString('hex'), hex)
    })
  }

  it('a type without a binary format here says so', () => {
    assert.throws(() => encoder('interval', 1), /interval have no binary format/)
  })

  it("types have the OIDs of pg_type, and a name that is not PostgreSQL's is text", () => {
    assert.deepEqual(
      ['text', 'json', 'timestamptz', 'bigint[]', 'tinyint', 'ubigint', 'struct(a integer)', 'bigint[][]'].map(
        (name) => pgType(name).oid,
      ),
      [25, 114, 1184, 1016, 21, 1700, 25, 1016],
    )
    assert.deepEqual([1043, 3802, 1009, 0, 705].map(typeNamed), ['text', 'json', 'text[]', undefined, undefined])
  })
})

describe('parameters', () => {
  it('in binary say what the same value in text says', () => {
    for (const [type, value] of BINARY) {
      if (type === 'numeric' || value === 'infinity') continue
      const bytes = encoder(type, 1)(value) as Buffer
      const expected = Array.isArray(value)
        ? JSON.stringify(value.map((item) => (item === null ? null : String(item))))
        : String(value)
      const plain = expected.replace('2026-11-22 16:11:01.766', '2026-11-22T16:11:01.766000')
      assert.equal(decodeParameter(bytes, type, 1, 1), plain, type)
    }
  })

  it('of another length are refused', () => {
    for (const [type] of BINARY) {
      if (type.endsWith('[]') || type === 'numeric') continue
      assert.throws(
        () => decodeParameter(Buffer.alloc(17, 1), type, 1, 3),
        { problem: { fault: 'user', code: '22P03', message: `$3 is no ${type} in binary format` } },
        type,
      )
    }
    assert.throws(() => decodeParameter(Buffer.alloc(4), 'numeric', 1, 1), /send text/)
    assert.throws(() => decodeParameter(Buffer.from([0xff]), 'text', 0, 1), { code: '22021' })
  })

  it('text arrays come back from their text, whatever is in them', () => {
    const array = fc.array(
      fc.option(fc.string({ unit: fc.constantFrom('a', ' ', '"', '\\', ',', '{', '}', 'é', '\n', 'NULL') }), {
        nil: null,
      }),
    )
    fc.assert(
      fc.property(array, (items) => assert.deepEqual(parseArray(String(encoder('text[]', 0)(items)), 1), items)),
    )
    for (const text of ['', 'a', '{', '}', '{a', '{a,}', '{,}', '{"a}', '{"a"b}', '{a"b"}', '{{a}}', '{a}}']) {
      assert.throws(
        () => parseArray(text, 1),
        { problem: { fault: 'user', code: '22P02', message: `$1 is no array: ${JSON.stringify(text)}` } },
        text,
      )
    }
  })
})
