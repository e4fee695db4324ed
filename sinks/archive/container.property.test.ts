import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type ArchivedRecord,
  type Block,
  DamagedError,
  decodeBlock,
  decodeHeader,
  encodeBlock,
  encodeHeader,
  long,
  nextBlock,
} from './container.ts'

const SYNC = Buffer.from('0123456789abcdef')
const bytes = fc.uint8Array({ maxLength: 300 })
const record: fc.Arbitrary<ArchivedRecord> = fc.record({
  offset: fc.maxSafeNat(),
  timestamp: fc.maxSafeInteger(),
  key: fc.option(bytes),
  value: bytes,
})
const plain = (records: readonly ArchivedRecord[]) =>
  records.map((each) => ({ ...each, key: each.key && Buffer.from(each.key), value: Buffer.from(each.value) }))

test('numbers are written as Avro has them', () => {
  // The specification's own examples, and both ends of what a number holds.
  for (const [value, hex] of [
    [0, '00'],
    [-1, '01'],
    [1, '02'],
    [-2, '03'],
    [2, '04'],
    [-64, '7f'],
    [64, '8001'],
    [Number.MAX_SAFE_INTEGER, 'feffffffffffff1f'],
    [Number.MIN_SAFE_INTEGER, 'fdffffffffffff1f'],
  ] as const) {
    assert.equal(long(value).toString('hex'), hex)
  }
})

test('records come back as they were', () =>
  fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 20 }), async (records) => {
      const block = nextBlock(await encodeBlock(records, SYNC), 0, SYNC) as Block
      assert.deepEqual(plain(await decodeBlock(block)), plain(records))
    }),
    { numRuns: 50 },
  ))

test('a header comes back, and of its beginnings none is taken for it', () => {
  const metadata = new Map([
    ['a', 'ä'],
    ['b', ''],
  ])
  const header = encodeHeader(metadata, SYNC)
  const whole = decodeHeader(Buffer.concat([header, Buffer.from('more')]))!
  assert.equal(whole.sizeBytes, header.length)
  assert.deepEqual(whole.sync, SYNC)
  assert.deepEqual([...whole.metadata.keys()], ['avro.schema', 'avro.codec', 'a', 'b'])
  for (let size = 0; size < header.length; size++) assert.equal(decodeHeader(header.subarray(0, size)), null)
})

test('of a cut or changed block it is said that it is', async () => {
  const records = [1, 2, 3].map((offset) => ({
    offset,
    timestamp: 0,
    key: null,
    value: Buffer.from(`value ${offset}`),
  }))
  const block = await encodeBlock(records, SYNC)
  for (let size = 0; size < block.length; size++) {
    const needed = nextBlock(block.subarray(0, size), 0, SYNC)
    assert.ok(typeof needed === 'number' && needed <= block.length + 20 && needed > 0, `${size}`)
  }
  let noticed = 0
  for (let at = 0; at < block.length; at++) {
    const changed = Buffer.from(block)
    changed[at] ^= 0x15
    try {
      const next = nextBlock(changed, 0, SYNC)
      if (typeof next === 'number') noticed++
      else if (JSON.stringify(await decodeBlock(next)) !== JSON.stringify(records)) noticed++
    } catch (error) {
      assert.ok(error instanceof DamagedError, `${error}`)
      noticed++
    }
  }
  // A flag of zstd that changes nothing may go unnoticed.
  assert.ok(noticed >= block.length - 8, `${noticed} of ${block.length}`)
})
