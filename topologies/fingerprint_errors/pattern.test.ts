import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { PatternWriter } from './pattern.ts'

/** Of the text as it stands in JSON. */
function pattern(text: string): string {
  const writer = new PatternWriter()
  const bytes = Buffer.from(JSON.stringify(text))
  writer.write(bytes, 0, bytes.length)
  return Buffer.from(writer.bytes.subarray(0, writer.size)).toString().slice(1, -1)
}

describe('the pattern of a text', () => {
  it('has a star for every word with a digit', () => {
    const patterns = {
      'request 17 took 3.5ms': 'request * took *',
      'user 0af76519-16cd-43dd-8448-eb211c80319c logged in': 'user * logged in',
      'connect to 10.0.0.7:5432 failed (attempt=3)': 'connect to * failed (attempt=*)',
      '2026-01-02T03:04:05.678Z started': '* started',
      'GET /api/v1/users/42/orders?limit=10': 'GET /api/*/users/*/orders?limit=*',
      '0xdeadbeef': '*',
      'nothing to hide': 'nothing to hide',
      '': '',
    }
    for (const [text, wanted] of Object.entries(patterns)) assert.equal(pattern(text), wanted)
  })

  it('has a star for what is quoted', () => {
    assert.equal(pattern('no user "bob" here'), 'no user * here')
    assert.equal(pattern('no user "a \\"b\\" c" here'), 'no user * here')
    assert.equal(pattern("no file 'a b.txt', sorry"), 'no file *, sorry')
    assert.equal(pattern("can't and won't"), "can't and won't")
    assert.equal(pattern("it's 'what's quoted' here"), "it's * here")
    assert.equal(pattern('a " alone'), 'a \\" alone')
    assert.equal(pattern(`'${'x'.repeat(300)}'`).length, 302, 'too long for a quotation')
  })

  it('keeps letters of any language', () => {
    assert.equal(pattern('Schlüssel 5 fehlt für Größe'), 'Schlüssel * fehlt für Größe')
    assert.equal(pattern('日本語 5'), '日本語 *')
  })

  it('does not look past 2,048 bytes', () => {
    assert.equal(pattern(`${'a'.repeat(3000)} 1`), 'a'.repeat(2046))
  })

  it('is the same whatever the numbers are, and no longer than the text', () => {
    const words = fc.array(fc.oneof(fc.constantFrom('took', 'ms', 'of', '=', '/'), fc.nat()), { maxLength: 30 })
    fc.assert(
      fc.property(words, fc.nat(), (parts, offset) => {
        const text = (more: number): string =>
          parts.map((part) => (typeof part === 'number' ? String(part + more) : part)).join(' ')
        assert.equal(pattern(text(0)), pattern(text(offset)))
        assert.ok(pattern(text(0)).length <= text(0).length)
        assert.doesNotMatch(pattern(text(0)), /\d/)
      }),
    )
  })

  it('can be made of any bytes', () => {
    const writer = new PatternWriter()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
        writer.write(bytes, 0, bytes.length)
        assert.ok(writer.size <= Math.min(bytes.length, 2048))
      }),
    )
  })
})
