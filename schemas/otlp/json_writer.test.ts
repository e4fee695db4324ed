import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { JsonWriter } from './json_writer.ts'

function written(write: (json: JsonWriter) => void): string {
  const json = new JsonWriter()
  write(json)
  return json.text()
}

describe('the JSON writer', () => {
  it('writes any text as JSON.stringify does, but for what need not be escaped', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 3000 }), (text) => {
        const bytes = Buffer.from(`xx${text}yy`)
        const json = written((to) => to.string(bytes, 2, bytes.length - 2))
        assert.equal(JSON.parse(json), Buffer.from(text).toString())
      }),
    )
    const controls = Buffer.from('\u0000\b\t\n\u000b\f\r\u001f"\\/')
    assert.equal(
      written((json) => json.string(controls, 0, controls.length)),
      '"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\\"\\\\/"',
    )
  })

  it('writes bytes as base64 and as hex', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        assert.equal(
          written((json) => json.base64(bytes, 0, bytes.length)),
          `"${Buffer.from(bytes).toString('base64')}"`,
        )
        assert.equal(
          written((json) => json.hex(bytes, 0, bytes.length)),
          `"${Buffer.from(bytes).toString('hex')}"`,
        )
      }),
    )
  })

  it('writes all digits of 64-bit numbers', () => {
    assert.equal(
      written((json) => json.int64(0xffffffff, 0xffffffff)),
      '-1',
    )
    assert.equal(
      written((json) => json.int64(0, 0x80000000)),
      '-9223372036854775808',
    )
    assert.equal(
      written((json) => json.int64(0xffffffff, 0x7fffffff)),
      '9223372036854775807',
    )
    assert.equal(
      written((json) => json.uint64(0xffffffff, 0xffffffff)),
      '18446744073709551615',
    )
    assert.equal(
      written((json) => json.int64(0xffffffff, 0)),
      '4294967295',
    )
  })

  it('tells doubles from integers', () => {
    const texts = [0, -0, 1, -7, 0.5, 1e21, 1e-7, 5e-324, Number.NaN, Number.NEGATIVE_INFINITY].map((value) =>
      written((json) => json.double(value)),
    )
    assert.deepEqual(texts, ['0.0', '-0.0', '1.0', '-7.0', '0.5', '1e+21', '1e-7', '5e-324', '"NaN"', '"-Infinity"'])
  })

  it('starts anew after a reset', () => {
    assert.equal(
      written((json) => {
        json.raw('before')
        json.reset()
        json.raw('after')
      }),
      'after',
    )
  })
})
