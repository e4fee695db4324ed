import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Message } from './testing/message.ts'
import { signedBigint, unsignedBigint, WireError, WireReader } from './wire.ts'

function reader(...bytes: number[]): WireReader {
  return new WireReader(Uint8Array.from(bytes))
}

/** A reader past the tag of the message's first field. */
function fieldOf(message: Message): WireReader {
  const field = new WireReader(message.bytes())
  field.tag()
  return field
}

describe('the wire reader', () => {
  it('reads every varint', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        const field = fieldOf(new Message().varint(1, value, true))
        field.varint64()
        assert.equal(unsignedBigint(field.low, field.high), value)
        assert.equal(signedBigint(field.low, field.high), BigInt.asIntN(64, value))
        field.expect(field.bytes.length)
      }),
    )
  })

  it('reads int32 and sint32, the negative ones too', () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        assert.equal(fieldOf(new Message().varint(1, BigInt(value), true)).int32(), value)
        if (value !== 0) assert.equal(fieldOf(new Message().zigzag(1, value)).sint32(), value)
      }),
    )
  })

  it('reads fixed numbers and doubles', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), fc.double(), (fixed, double) => {
        const field = fieldOf(new Message().fixed64(1, String(fixed)))
        field.fixed64()
        assert.equal(unsignedBigint(field.low, field.high), fixed)
        assert.ok(Object.is(fieldOf(new Message().double(1, double, true)).double(), double))
      }),
    )
    assert.equal(fieldOf(new Message().fixed32(1, 0xfedcba98)).fixed32(), 0xfedcba98)
  })

  it('skips fields of every wire type', () => {
    const inner = new Message().string(1, 'text')
    const message = new Message().varint(1, 300n).fixed64(2, '1').message(3, inner).fixed32(5, 1).varint(99_999, 7n)
    const bytes = message.bytes()
    const whole = new WireReader(bytes)
    const fields: number[] = []
    while (whole.at < bytes.length) {
      const tag = whole.tag()
      fields.push(tag >>> 3)
      whole.skip(tag, bytes.length)
    }
    whole.expect(bytes.length)
    assert.deepEqual(fields, [1, 2, 3, 5, 99_999])
  })

  it('refuses lengths past the end of their message', () => {
    assert.throws(() => reader(5, 1, 2).lengthEnd(3), new WireError('5 bytes at 1, where 2 are left'))
    assert.throws(() => reader(0xff, 0xff, 0xff, 0xff, 0x0f).lengthEnd(5), WireError)
    assert.throws(() => reader().lengthEnd(0), WireError)
  })

  it('refuses varints that do not end', () => {
    assert.throws(() => reader(...Array(11).fill(0xff)).varint64(), WireError)
    assert.throws(() => reader(0x80, 0x80).varint64(), WireError)
  })

  it('refuses groups, field 0 and fields that end past their message', () => {
    assert.throws(() => reader(0x0b).skip(0x0b, 1), new WireError('wire type 3 at 0'))
    assert.throws(() => reader().skip(0x02, 0), new WireError('field 0 at 0'))
    const cut = reader(0x09, 1, 2)
    cut.skip(cut.tag(), 3)
    assert.throws(() => cut.expect(3), new WireError('a field ends at 9, its message at 3'))
  })
})
