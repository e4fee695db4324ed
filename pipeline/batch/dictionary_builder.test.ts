import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cpuMs } from '../testing/figures.ts'
import { type DictionaryColumn, entryCount, valueAt } from './column.ts'
import { DictionaryBuilder } from './dictionary_builder.ts'

const encoder = new TextEncoder()

function values(column: DictionaryColumn): unknown[] {
  return Array.from(column.indexes, (_, row) => valueAt(column, row))
}

describe('a dictionary being built', () => {
  it('keeps equal values once and has null where no row was set', () => {
    const builder = new DictionaryBuilder('text')
    builder.setText(1, 'a')
    builder.setText(2, 'b')
    builder.setText(4, 'a')
    const column = builder.finish(6)
    assert.deepEqual(values(column), [null, 'a', 'b', null, 'a', null])
    assert.equal(entryCount(column), 2)
    assert.equal(column.indexes.BYTES_PER_ELEMENT, 1)
  })

  it('is a column of nulls where nothing was set', () => {
    const column = new DictionaryBuilder('text').finish(3)
    assert.deepEqual(values(column), [null, null, null])
    assert.deepEqual([...column.offsets], [0])
  })

  it('widens its indexes with its entries', () => {
    for (const [entries, bytes] of [
      [254, 1],
      [255, 2],
      [65_534, 2],
      [65_535, 4],
    ]) {
      const builder = new DictionaryBuilder('text')
      for (let row = 0; row < entries; row++) builder.setText(row, `value ${row}`)
      const column = builder.finish(entries)
      assert.equal(column.indexes.BYTES_PER_ELEMENT, bytes, `${entries} entries`)
      assert.equal(valueAt(column, entries - 1), `value ${entries - 1}`)
    }
  })

  it('finds a value again among thousands', () => {
    const builder = new DictionaryBuilder('text')
    let row = 0
    for (let round = 0; round < 3; round++) for (let key = 0; key < 400; key++) builder.setText(row++, `key-${key}`)
    const column = builder.finish(row)
    assert.equal(entryCount(column), 400)
    assert.equal(valueAt(column, 1199), 'key-399')
  })

  it('gives interning up where nothing repeats, and loses nothing by it', () => {
    const builder = new DictionaryBuilder('text')
    for (let row = 0; row < 5000; row++) builder.setText(row, `unique-${row}`)
    builder.setText(5000, 'unique-7')
    const column = builder.finish(5001)
    assert.equal(entryCount(column), 5001)
    assert.equal(valueAt(column, 5000), 'unique-7')
    assert.equal(valueAt(column, 7), 'unique-7')
  })

  it('fills and repeats rows', () => {
    const builder = new DictionaryBuilder('text')
    const bytes = encoder.encode('service')
    builder.fill(2, 5, builder.entry(bytes, 0, bytes.length))
    builder.setText(5, 'other')
    builder.repeat(5, 300)
    const column = builder.finish(301)
    assert.deepEqual(values(column).slice(0, 7), [null, null, 'service', 'service', 'service', 'other', 'other'])
    assert.deepEqual(values(column).slice(299), ['other', null])
  })

  it('copies long values without looking for equal ones, neighbours aside', () => {
    const builder = new DictionaryBuilder('json')
    const long = 'x'.repeat(200)
    builder.setText(0, long)
    builder.setText(1, long)
    builder.setText(2, 'short')
    builder.setText(3, long)
    const column = builder.finish(4)
    assert.equal(entryCount(column), 3)
    assert.deepEqual(values(column), [long, long, 'short', long])
  })

  it('puts replacement characters for what is not UTF-8, also where entries only together would be', () => {
    const builder = new DictionaryBuilder('text')
    const euro = encoder.encode('€')
    builder.set(0, euro, 0, 1)
    builder.set(1, euro, 1, 3)
    builder.setText(2, 'ü')
    builder.set(3, Uint8Array.of(0x61, 0xff, 0x62), 0, 3)
    assert.deepEqual(values(builder.finish(4)), ['\ufffd', '\ufffd\ufffd', 'ü', 'a\ufffdb'])
  })

  it('leaves bytes as they are', () => {
    const builder = new DictionaryBuilder('bytes')
    builder.set(0, Uint8Array.of(0xff, 0), 0, 2)
    assert.deepEqual(values(builder.finish(1)), [Uint8Array.of(0xff, 0)])
  })

  it('stays quick and right where values collide on purpose', () => {
    const builder = new DictionaryBuilder('bytes')
    const keys = collidingKeys(30_000)
    const took = cpuMs(() => {
      // Each twice, or the builder would give interning up before it hurts.
      for (const [at, key] of keys.entries())
        for (const row of [at * 2, at * 2 + 1]) builder.set(row, key, 0, key.length)
    })
    const column = builder.finish(keys.length * 2)
    assert.ok(took < 1000, `${took} ms`)
    for (const [at, key] of keys.entries()) assert.deepEqual(valueAt(column, at * 2 + 1), key)
  })
})

/** Eight bytes each, all of the same hash: the second word takes back what the first has done. The hash has no secret. */
function collidingKeys(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, word) => {
    let hash = Math.imul(8 ^ word, 0x9e3779b1)
    hash ^= hash >>> 15
    return new Uint8Array(Int32Array.of(word, hash).buffer)
  })
}
