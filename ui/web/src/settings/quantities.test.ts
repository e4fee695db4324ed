import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesTyped, sizeText, wholeTyped } from './quantities.ts'

test('whole numbers with or without commas; empty is without limit', () => {
  assert.deepEqual(['', ' ', '0', '2,000', '10 000'].map(wholeTyped), [null, null, 0, 2000, 10_000])
  assert.deepEqual(['x', '-1', '1.5', '1e9', '9'.repeat(16)].map(wholeTyped), Array(5).fill(undefined))
})

test('sizes in thousands', () => {
  assert.deepEqual(['', '4096', '20 GB', '1.5tb', '3 k', '0 B'].map(bytesTyped), [null, 4096, 2e10, 1.5e12, 3000, 0])
  assert.deepEqual(['GB', '1 XB', '-1 GB', '99999999 TB'].map(bytesTyped), Array(4).fill(undefined))
})

test('a size is shown so that it is read as the same again', () => {
  assert.deepEqual([0, 999, 1000, 2e10, 1.5e12].map(sizeText), ['0 B', '999 B', '1 kB', '20 GB', '1.5 TB'])
  for (const bytes of [1, 123_456_789, 2 ** 40 + 1, Number.MAX_SAFE_INTEGER])
    assert.equal(bytesTyped(sizeText(bytes)), bytes)
})
