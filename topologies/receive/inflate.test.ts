import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { checkEncoding, decoded } from './inflate.ts'
import { Refusal } from './refusal.ts'

const ENCODERS = { gzip: gzipSync, deflate: deflateSync, zstd: zstdCompressSync }
const MIB = 2 ** 20

for (const [encoding, encode] of Object.entries(ENCODERS)) {
  test(`${encoding}: small and large bodies come out as they went in`, async () => {
    for (const size of [0, 1, 5000, 3 * MIB]) {
      const body = Buffer.alloc(size, 'otlp')
      assert.deepEqual(Buffer.from(await decoded(encode(body), encoding, 4 * MIB)), body)
    }
  })

  test(`${encoding}: a body at its bound is taken, one byte more is not`, async () => {
    for (const bound of [1000, 2 * MIB]) {
      assert.equal((await decoded(encode(Buffer.alloc(bound)), encoding, bound)).length, bound)
      await assert.rejects(
        decoded(encode(Buffer.alloc(bound + 1)), encoding, bound),
        (error: unknown) => error instanceof Refusal && error.kind === 'too_large',
      )
    }
  })

  test(`${encoding}: a bomb is cut off, whatever it would have become`, async () => {
    const bomb = encode(Buffer.alloc(128 * MIB))
    const before = process.memoryUsage().arrayBuffers
    await assert.rejects(decoded(bomb, encoding, 4 * MIB), /inflates to more than 4194304 bytes/)
    assert.ok(process.memoryUsage().arrayBuffers - before < 64 * MIB)
  })

  test(`${encoding}: broken bytes are malformed`, async () => {
    const whole = encode(Buffer.from('a body of some length, of some length'))
    const large = encode(randomBytes(200_000))
    for (const broken of [whole.subarray(0, -5), whole.subarray(3), Buffer.from('{}'), large.subarray(0, 70_000)]) {
      await assert.rejects(
        decoded(broken, encoding, MIB),
        (error: unknown) => error instanceof Refusal && error.kind === 'malformed',
      )
    }
  })
}

test('other encodings are refused by name', () => {
  for (const encoding of ['identity', 'gzip', 'deflate', 'zstd']) checkEncoding(encoding)
  for (const encoding of ['br', 'gzip, gzip', '']) {
    assert.throws(() => checkEncoding(encoding), /send identity, gzip, deflate or zstd/)
  }
})
