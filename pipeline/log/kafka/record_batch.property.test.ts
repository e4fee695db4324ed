import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { OperatorError } from '../../errors/errors.ts'
import { crc32c } from './crc32c.ts'
import { type BatchRecord, decodeBatches, encodeBatch, type PlacedRecord, recordBytes } from './record_batch.ts'
import { WireReader, WireWriter } from './wire.ts'

const bytes = (maxLength: number) => fc.uint8Array({ maxLength })
const record: fc.Arbitrary<BatchRecord> = fc.record({
  timestamp: fc.oneof(fc.integer({ min: 0, max: 2 ** 52 }), fc.integer({ min: 1.7e12, max: 1.8e12 })),
  key: fc.option(bytes(20)),
  value: fc.oneof(bytes(300), fc.constant(new Uint8Array(5_000).fill(7))),
})
const batch = fc.array(record, { minLength: 1, maxLength: 20 })
const level = fc.constantFrom(0, 1, 3)

test('what is encoded is decoded, bit for bit', async () => {
  await fc.assert(
    fc.asyncProperty(batch, level, async (records, zstdLevel) => {
      const { records: decoded, next } = await decodeBatches(await encodeBatch(records, zstdLevel), 0, 't/0')
      assert.deepEqual(plain(decoded), plain(records.map((each, offset) => ({ ...each, offset }))))
      assert.equal(next, records.length)
    }),
  )
})

test('another implementation reads the same', async () => {
  const require = createRequire(import.meta.url)
  const decodeOther = require('kafkajs/src/protocol/recordBatch/v0/decoder.js')
  const Decoder = require('kafkajs/src/protocol/decoder.js')
  await fc.assert(
    fc.asyncProperty(batch, async (records) => {
      const { records: others } = await decodeOther(new Decoder(await encodeBatch(records, 0)))
      const asOurs = others.map((other: { offset: string; timestamp: string; key: Buffer | null; value: Buffer }) => ({
        offset: Number(other.offset),
        timestamp: Number(other.timestamp),
        key: other.key,
        value: other.value,
      }))
      assert.deepEqual(plain(asOurs), plain(records.map((each, offset) => ({ ...each, offset }))))
    }),
  )
})

test('batches in a row, cut off anywhere: those that are whole, from the offset asked for', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(batch, { minLength: 1, maxLength: 4 }),
      fc.nat(),
      fc.nat(),
      async (batches, cut, start) => {
        const { stored, all } = await storedAt(1_000, batches)
        const whole = Buffer.concat(stored)
        const length = cut % (whole.length + 1)
        const from = 1_000 + (start % (all.length + 1))
        const { records, next } = await decodeBatches(whole.subarray(0, length), from, 't/0')
        const ends = batches.map((_, i) => stored.slice(0, i + 1).reduce((sum, each) => sum + each.length, 0))
        const complete = ends.filter((end) => end <= length).length
        const reaches = 1_000 + batches.slice(0, complete).flat().length
        assert.deepEqual(plain(records), plain(all.filter(({ offset }) => offset >= from && offset < reaches)))
        assert.equal(next, complete === 0 ? null : reaches)
      },
    ),
  )
})

test('a bit that is not as it was is noticed', async () => {
  const whole = await encodeBatch([{ timestamp: 5, key: null, value: Buffer.alloc(400, 'abc') }], 1)
  for (let at = 17; at < whole.length; at++) {
    const damaged = Buffer.from(whole)
    damaged[at] ^= 1
    await assert.rejects(decodeBatches(damaged, 0, 't/0'), OperatorError, `byte ${at}`)
  }
})

test('gzip is read, what nobody here can unpack is named', async () => {
  const packed = (codec: number, body: Buffer) => {
    const checked = new WireWriter()
      .int16(codec)
      .int32(0)
      .int64(7)
      .int64(7)
      .int64(-1)
      .int16(-1)
      .int32(-1)
      .int32(1)
      .bytes(body)
    return new WireWriter()
      .int64(3)
      .int32(9 + checked.size)
      .int32(0)
      .int8(2)
      .uint32(crc32c(checked.buffer))
      .bytes(checked.buffer).buffer
  }
  const one = new WireWriter()
    .varint(7)
    .int8(0)
    .varint(0)
    .varint(0)
    .varint(-1)
    .varint(1)
    .bytes(Buffer.from('v'))
    .int8(0)
  const { records } = await decodeBatches(packed(1, gzipSync(one.buffer)), 0, 't/0')
  assert.deepEqual(plain(records), [{ offset: 3, timestamp: 7, key: null, value: '76' }])
  await assert.rejects(decodeBatches(packed(2, one.buffer), 0, 't/0'), /compressed with snappy/)
})

test('what does not shrink is not compressed', async () => {
  const noise = crypto.getRandomValues(new Uint8Array(10_000))
  const size = async (value: Uint8Array) => (await encodeBatch([{ timestamp: 1, key: null, value }], 1)).length
  assert.ok((await size(noise)) < noise.length + 100)
  assert.ok((await size(new Uint8Array(10_000))) < 200)
})

test('the size of a record is never more than said', async () => {
  await fc.assert(
    fc.asyncProperty(batch, async (records) => {
      const bound = records.reduce((sum, each) => sum + recordBytes(each), 0)
      assert.ok((await encodeBatch(records, 0)).length <= bound + 61)
    }),
  )
})

test('CRC-32C as in RFC 3720', () => {
  const iscsi = Uint8Array.from({ length: 32 }, (_, i) => i)
  assert.equal(crc32c(iscsi), 0x46dd794e)
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa)
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
})

test('numbers survive the wire', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.maxSafeNat(), fc.integer({ min: -1, max: 2 ** 31 }), (long, natural, delta) => {
      const { buffer } = new WireWriter(1).int64(long).uvarint(natural).varint(delta).string('é').compactString(null)
      const reader = new WireReader(buffer)
      assert.deepEqual(
        [reader.int64(), reader.uvarint(), reader.varint(), reader.string(), reader.compactString()],
        [long, natural, delta, 'é', null],
      )
      assert.throws(() => reader.int8(), RangeError)
    }),
  )
})

/** Batches as a broker stores them: each with the offset it was given. */
async function storedAt(first: number, batches: readonly (readonly BatchRecord[])[]) {
  const stored: Buffer[] = []
  const all: PlacedRecord[] = []
  for (const records of batches) {
    const encoded = await encodeBatch(records, 1)
    encoded.writeBigInt64BE(BigInt(first + all.length))
    stored.push(encoded)
    for (const each of records) all.push({ ...each, offset: first + all.length })
  }
  return { stored, all }
}

const hex = (value: Uint8Array) => Buffer.from(value).toString('hex')
const plain = (records: readonly PlacedRecord[]) =>
  records.map(({ offset, timestamp, key, value }) => ({ offset, timestamp, key: key && hex(key), value: hex(value) }))
