import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Column, type ColumnType, columnOf, type Value, valueAt } from './column.ts'
import { ColumnSet } from './column_set.ts'

const VALUES: Record<Exclude<ColumnType, 'bytes' | 'json'>, fc.Arbitrary<Value>> = {
  text: fc.string({ unit: 'grapheme', maxLength: 150 }),
  long: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  double: fc.double(),
  boolean: fc.boolean(),
}

function values(column: Column | undefined, rows: number): Value[] {
  return Array.from({ length: rows }, (_, row) => (column === undefined ? null : valueAt(column, row)))
}

describe('builders', () => {
  for (const type of ['text', 'long', 'double', 'boolean'] as const) {
    it(`give back every row set and null for the others: ${type}`, () => {
      fc.assert(
        fc.property(fc.array(fc.option(VALUES[type]), { maxLength: 300 }), fc.nat(3), (wanted, more) => {
          const columns = new ColumnSet()
          const builder = columns[type]('x')
          wanted.forEach((value, row) => {
            if (value === null) return
            if ('setText' in builder) builder.setText(row, value as string)
            else (builder.set as (row: number, value: Value) => void)(row, value)
          })
          const rows = wanted.length + more
          const column = columns.finish(rows).get('x')
          const expected = [...wanted, ...Array<null>(more).fill(null)]
          assert.deepEqual(values(column, rows), values(columnOf(type, expected), rows))
          assert.equal(
            column === undefined,
            wanted.every((value) => value === null),
          )
        }),
      )
    })

    it(`repeat the row set last: ${type}`, () => {
      fc.assert(
        fc.property(VALUES[type], fc.nat(5), fc.integer({ min: 1, max: 300 }), (value, from, count) => {
          const columns = new ColumnSet()
          const builder = columns[type]('x')
          if ('setText' in builder) builder.setText(from, value as string)
          else (builder.set as (row: number, value: Value) => void)(from, value)
          builder.repeat(from, from + count)
          const column = columns.finish(from + count + 1).get('x')
          const expected = [...Array<null>(from).fill(null), ...Array<Value>(count).fill(value), null]
          assert.deepEqual(values(column, from + count + 1), expected)
        }),
      )
    })
  }

  it('set longs from numbers and from halves', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (number, bigint) => {
        const columns = new ColumnSet()
        const builder = columns.long('x')
        builder.setNumber(0, number)
        builder.setWords(1, Number(BigInt.asUintN(32, bigint)), Number(BigInt.asUintN(32, bigint >> 32n)))
        assert.deepEqual(values(columns.finish(2).get('x'), 2), [BigInt(number), bigint])
      }),
    )
  })

  it('may set a row again', () => {
    const columns = new ColumnSet()
    const builder = columns.long('x')
    builder.setNumber(0, 1)
    builder.setNumber(0, 2)
    const column = columns.finish(1).get('x')
    assert.deepEqual(values(column, 1), [2n])
    assert.equal(column?.type === 'long' && column.present, null)
  })
})

describe('a set of columns', () => {
  it('has choices share their text', () => {
    const columns = new ColumnSet()
    const level = columns.choice('level', ['INFO', 'WARN'])
    for (const [row, choice] of [0, 1, 0, 0].entries()) level.set(row, choice)
    level.repeat(3, 6)
    const column = columns.finish(6).get('level')
    assert.deepEqual(values(column, 6), ['INFO', 'WARN', 'INFO', 'INFO', 'INFO', 'INFO'])
    assert.equal(column?.type === 'text' && column.offsets.length, 3)
  })

  it('refuses a name given twice', () => {
    const columns = new ColumnSet()
    columns.text('x')
    assert.throws(() => columns.long('x'), /column x is there twice/)
  })
})
