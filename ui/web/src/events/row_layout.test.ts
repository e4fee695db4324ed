import assert from 'node:assert/strict'
import { test } from 'node:test'
import { evenLayout, linesOf, textWidth, unevenLayout } from './row_layout.ts'

test('rows of one height and rows of the same heights stand at the same places', () => {
  const even = evenLayout(5, 24)
  const uneven = unevenLayout([24, 24, 24, 24, 24])
  for (const layout of [even, uneven]) {
    assert.equal(layout.height, 120)
    assert.deepEqual([0, 1, 5].map(layout.topOf), [0, 24, 120])
    assert.deepEqual([-5, 0, 23, 24, 119, 500].map(layout.indexAt), [0, 0, 0, 1, 4, 4])
  }
})

test('each row of its own height', () => {
  const layout = unevenLayout([24, 60, 24])
  assert.deepEqual([layout.height, layout.topOf(2)], [108, 84])
  assert.deepEqual([23, 24, 83, 84].map(layout.indexAt), [0, 1, 1, 2])
  assert.deepEqual([unevenLayout([]).height, unevenLayout([]).indexAt(7)], [0, 0])
})

test('lines by width', () => {
  assert.deepEqual([textWidth('abc'), textWidth('日本 go'), textWidth('')], [3, 7, 0])
  assert.deepEqual([linesOf(0, 10, 5), linesOf(10, 10, 5), linesOf(11, 10, 5), linesOf(900, 10, 5)], [1, 1, 2, 5])
})
