import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { INDEX_INTERVAL_BYTES, SparseIndex } from './sparse_index.ts'

const frames = fc.array(fc.record({ sizeBytes: fc.integer({ min: 40, max: 200_000 }), timestamp: fc.integer() }), {
  maxLength: 100,
})

/** The index and, for each frame, where it begins. */
function indexOf(base: number, list: readonly { sizeBytes: number; timestamp: number }[]) {
  const index = new SparseIndex(base)
  const places = list.map(({ sizeBytes, timestamp }) => {
    const place = index.covered
    index.add(place.position, sizeBytes, timestamp)
    return place
  })
  return { index, places }
}

test('floor: a frame at or before the offset, less than an interval and a frame away', () => {
  fc.assert(
    fc.property(frames, fc.integer({ min: 0, max: 2 ** 36 }), (list, base) => {
      const { index, places } = indexOf(base, list)
      for (const [i, place] of places.entries()) {
        const found = index.floor(place.offset)
        assert.ok(found.offset <= place.offset)
        const isFrame = places.some(({ offset, position }) => offset === found.offset && position === found.position)
        assert.ok(isFrame || list.length === 0)
        assert.ok(place.position - found.position < INDEX_INTERVAL_BYTES + (list[i - 1]?.sizeBytes ?? 0))
      }
      assert.deepEqual(index.floor(base + list.length), index.covered)
    }),
  )
})

test('floorTime: only smaller timestamps before it', () => {
  fc.assert(
    fc.property(frames, fc.integer(), (list, timestamp) => {
      const { index } = indexOf(0, list)
      const { offset } = index.floorTime(timestamp)
      assert.ok(list.slice(0, offset).every((frame) => frame.timestamp < timestamp))
    }),
  )
})

test('bounded: at most one entry an interval', () => {
  const index = new SparseIndex(0)
  for (let i = 0; i < 50_000; i++) index.add(index.covered.position, 5_000, i)
  assert.ok(index.size <= 250_000_000 / INDEX_INTERVAL_BYTES + 1, `${index.size}`)
  assert.ok(index.encode(1).length < 100_000)
})

test('what was stored is what comes back; a bit flipped anywhere, or another salt, gives nothing', () => {
  fc.assert(
    fc.property(frames, fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.nat(), (list, salt, where) => {
      const { index, places } = indexOf(7, list)
      const bytes = index.encode(salt)
      const again = SparseIndex.decode(bytes, 7, salt)!
      assert.deepEqual(again.covered, index.covered)
      for (const { offset } of places) assert.deepEqual(again.floor(offset), index.floor(offset))
      assert.equal(SparseIndex.decode(bytes, 7, (salt + 1) % 2 ** 32), null)
      bytes[where % bytes.length] ^= 1
      assert.equal(SparseIndex.decode(bytes, 7, salt), null)
    }),
  )
})

test('a frame that does not follow changes nothing', () => {
  const { index } = indexOf(0, [{ sizeBytes: 100, timestamp: 1 }])
  const { covered } = index
  index.add(covered.position - 1, 100, 9)
  index.add(covered.position + 1, 100, 9)
  assert.deepEqual(index.covered, covered)
})
