import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Fold, MAX_TEXT } from './fold.ts'
import { defineProjection, type Merge, type Value } from './projection.ts'

function define(merge: { value: Merge; at: Merge }, type: 'bigint' | 'text' = 'bigint') {
  return defineProjection({
    name: 'numbers',
    columns: { name: 'text', value: type, at: 'timestamptz' },
    key: ['name'],
    merge,
    rows: () => [],
  })
}

/** The value that rows of one key fold to. */
function folded(merge: Merge, ...values: readonly (readonly [value: Value, at: Value])[]): Value {
  const fold = new Fold(define({ value: merge, at: 'max' }))
  for (const [value, at] of values) fold.add({ name: 'one', value, at })
  assert.equal(fold.size, 1)
  return [...fold.rows()][0][1]
}

describe('a fold', () => {
  it('merges as the projection says', () => {
    const values = [
      [3, 30],
      [null, 50],
      [1, 10],
      [2, 40],
    ] as const
    assert.equal(folded('sum', ...values), 6)
    assert.equal(folded('max', ...values), 3)
    assert.equal(folded('min', ...values), 1)
    assert.equal(folded('first', ...values), 3)
    assert.equal(folded('last', ...values), 2)
    assert.equal(folded({ last: 'at' }, ...values), null, 'of the row that is last by its time')
    assert.equal(folded({ last: 'at' }, [1, 10], [2, 10], [3, 9], [4, null]), 2)
    assert.equal(folded('sum', [null, 1], [null, 2]), null)
  })

  it('keeps apart what differs in any part of the key', () => {
    const { columns } = define({ value: 'sum', at: 'max' })
    const fold = new Fold({ columns: columns.map((column) => ({ ...column, merge: null })), key: ['name', 'value'] })
    for (const [name, value] of [
      ['1', 12],
      ['11', 2],
      ['1', 12],
    ] as const)
      fold.add({ name, value, at: null })
    assert.equal(fold.size, 2)
  })

  it('makes of texts what PostgreSQL can store and index; those that become equal are one', () => {
    const fold = new Fold(define({ value: 'last', at: 'max' }, 'text'))
    for (const name of ['a\0', 'a\ufffd', 'a\ud800', `${'x'.repeat(MAX_TEXT)}y`, `${'x'.repeat(MAX_TEXT)}z`]) {
      fold.add({ name, value: 'y'.repeat(MAX_TEXT + 1), at: null })
    }
    assert.deepEqual(
      [...fold.rows()].map(([name, value]) => [name, String(value).length]),
      [
        ['a\ufffd', MAX_TEXT],
        ['x'.repeat(MAX_TEXT), MAX_TEXT],
      ],
    )
  })

  it('knows about what it takes in memory', () => {
    const fold = new Fold(define({ value: 'last', at: 'max' }, 'text'))
    fold.add({ name: 'one', value: '', at: null })
    const { bytes } = fold
    fold.add({ name: 'one', value: 'x'.repeat(100), at: null })
    assert.equal(fold.bytes, bytes + 200)
    fold.add({ name: 'one', value: '', at: null })
    assert.equal(fold.bytes, bytes)
    fold.add({ name: 'two', value: '', at: null })
    assert.equal(fold.bytes, bytes * 2)
  })
})

describe('a projection', () => {
  it('is refused where merging would not be exact, or a name is none', () => {
    assert.throws(() => define({ value: 'max', at: 'max' }, 'text'), /max of text is not exact/)
    assert.throws(() => define({ value: 'sum', at: 'sum' }), /sum of timestamptz/)
    assert.throws(() => define({ value: { last: 'at' }, at: 'min' }), /must be merged by max/)
    const definition = { columns: { id: 'text' }, key: ['id'], merge: {}, rows: () => [] } as const
    assert.throws(() => defineProjection({ ...definition, name: 'a b' }), RangeError)
    assert.throws(() => defineProjection({ ...definition, name: 'x; drop table users' }), RangeError)
  })
})
