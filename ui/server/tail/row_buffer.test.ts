import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { RowBuffer } from './row_buffer.ts'

describe('a row buffer', () => {
  it('holds as many rows as it may', () => {
    const buffer = new RowBuffer({ maxRows: 3, maxSize: 1000 })
    buffer.push(['1', '2'])
    buffer.push(['3'])
    assert.deepEqual(buffer.take(), { rows: ['1', '2', '3'], skipped: 0 })
    assert.ok(buffer.isEmpty)
  })

  it('holds as much as it may', () => {
    const buffer = new RowBuffer({ maxRows: 100, maxSize: 6 })
    buffer.push(['aaa'])
    buffer.push(['bbb'])
    assert.equal(buffer.size, 6)
    buffer.push(['c'])
    assert.deepEqual(buffer.take(), { rows: ['bbb', 'c'], skipped: 1 })
  })

  it('goes over its bound for one who waits for room', () => {
    const buffer = new RowBuffer({ maxRows: 2, maxSize: 1000 })
    assert.ok(!buffer.isHalfFull)
    buffer.push(['1', '2', '3'], 'keep')
    assert.ok(buffer.isHalfFull)
    assert.deepEqual(buffer.take(), { rows: ['1', '2', '3'], skipped: 0 })
  })

  it('always has the newest rows, within its bounds, and has counted the others', () => {
    const options = fc.record({ maxRows: fc.integer({ min: 1, max: 8 }), maxSize: fc.integer({ min: 1, max: 20 }) })
    fc.assert(
      fc.property(
        options,
        fc.array(fc.array(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 1 })),
        (bounds, pushes) => {
          const buffer = new RowBuffer(bounds)
          for (const rows of pushes) {
            buffer.push(rows)
            assert.ok(buffer.size <= bounds.maxSize)
          }
          const all = pushes.flat()
          const { rows, skipped } = buffer.take()
          assert.ok(rows.length <= bounds.maxRows)
          assert.equal(rows.length + skipped, all.length)
          assert.deepEqual(rows, all.slice(skipped))
        },
      ),
    )
  })
})
