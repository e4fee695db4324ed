import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Column, columnOf, type Value } from '#pipeline/batch/column.ts'
import { createParquetReader } from '../testing/parquet_reader.ts'
import { mergeColumn } from '../writer/merge_columns.ts'
import { type ElementType, mergeLists } from '../writer/merge_lists.ts'
import type { LeafData } from './leaf_data.ts'
import { ParquetFile } from './parquet_file.ts'
import { type Field, listOf, optional } from './schema.ts'

const reader = await createParquetReader()
after(() => reader.close())

const MAX = 9223372036854775807n
const MIN = -9223372036854775808n

function leaf(
  column: Column,
  rows: number,
  type: 'bytes' | 'int32' | 'int64' | 'double' | 'boolean',
  prefixed = false,
) {
  return mergeColumn([{ column, rows }], null, { type, ordered: true, prefixed })
}

function list(values: readonly (string | null)[], type: ElementType): LeafData {
  return mergeLists([{ column: columnOf('json', values), rows: values.length }], null, type)
}

function fileOf(fields: readonly Field[], ...groups: (readonly [rows: number, leaves: readonly LeafData[]])[]) {
  const file = new ParquetFile(fields)
  for (const [rows, leaves] of groups) file.addRowGroup(rows, (at) => leaves[at])
  return file.finish()
}

const text = (values: readonly Value[]) => leaf(columnOf('text', values), values.length, 'bytes')
const long = (values: readonly Value[]) => leaf(columnOf('long', values), values.length, 'int64')

test('every type, with and without nulls, reads back by value', async () => {
  const values = {
    text: ['', 'plain', 'héllo ☃ 𝄞 \u0000', null],
    long: [MAX, MIN, 0n, null],
    integer: [2147483647, -2147483648, 0, null],
    double: [Number.NaN, -0, Number.NEGATIVE_INFINITY, null],
    boolean: [true, false, true, null],
    time: [0n, 1772625600000001n, -1n, null],
    nothing: [null, null, null, null],
  }
  const fields = [
    optional('text', 'bytes', 'string'),
    optional('long', 'int64'),
    optional('integer', 'int32'),
    optional('double', 'double'),
    optional('boolean', 'boolean'),
    optional('time', 'int64', 'timestamp_micros'),
    optional('nothing', 'bytes', 'string'),
  ]
  const leavesOf = (rows: number) => [
    text(values.text.slice(0, rows)),
    long(values.long.slice(0, rows)),
    leaf(columnOf('long', values.integer.slice(0, rows)), rows, 'int32'),
    leaf(columnOf('double', values.double.slice(0, rows)), rows, 'double'),
    leaf(columnOf('boolean', values.boolean.slice(0, rows)), rows, 'boolean'),
    long(values.time.slice(0, rows)),
    text(values.nothing.slice(0, rows)),
  ]
  const expected = [0, 1, 2, 3].map((row) => Object.values(values).map((column) => column[row]))
  const rows = await reader.rows(fileOf(fields, [4, leavesOf(4)], [3, leavesOf(3)]))
  assert.deepEqual(rows, [...expected, ...expected.slice(0, 3)])
})

test('lists tell null, empty and null elements apart', async () => {
  const fields = [listOf('texts', 'bytes', 'string'), listOf('longs', 'int64'), listOf('doubles', 'double')]
  const texts = ['["a","ü",null,""]', '[]', null, '["a"]']
  const longs = [`[${MAX},${MIN}]`, null, '[]', '[0,null]']
  const doubles = ['[1.5,"NaN","-Infinity",-0.0]', '[null]', '[]', null]
  const leaves = [list(texts, 'bytes'), list(longs, 'int64'), list(doubles, 'double')]
  assert.deepEqual(await reader.rows(fileOf(fields, [4, leaves])), [
    [
      ['a', 'ü', null, ''],
      [MAX, MIN],
      [1.5, Number.NaN, Number.NEGATIVE_INFINITY, -0],
    ],
    [[], null, [null]],
    [null, [], []],
    [['a'], [0n, null], null],
  ])
})

test('a file without rows, and columns without values, are readable', async () => {
  const fields = [optional('a', 'bytes', 'string'), listOf('b', 'bytes', 'string'), optional('c', 'boolean')]
  assert.deepEqual(await reader.rows(fileOf(fields)), [])
  const leaves = [text([null]), list([null], 'bytes'), leaf(columnOf('boolean', [null]), 1, 'boolean')]
  assert.deepEqual(await reader.rows(fileOf(fields, [1, leaves])), [[null, null, null]])
})

test('many pages, and a list across the bound of a page, keep every value in its row', async () => {
  const rows = 45_000
  const numbers = Array.from({ length: rows }, (_, row) => (row % 7 === 0 ? null : BigInt(row * 1000 - (row % 13))))
  const words = Array.from({ length: rows }, (_, row) => (row % 5 === 0 ? null : `word ${row % 100}`))
  const lists = Array.from({ length: rows }, (_, row) => `[${row},${row + 1},${row + 2}]`)
  const fields = [optional('n', 'int64'), optional('w', 'bytes', 'string'), listOf('l', 'int64')]
  const read = await reader.rows(fileOf(fields, [rows, [long(numbers), text(words), list(lists, 'int64')]]))
  const expected = Array.from({ length: rows }, (_, row) => [
    numbers[row],
    words[row],
    [BigInt(row), BigInt(row + 1), BigInt(row + 2)],
  ])
  assert.deepEqual(read, expected)
})

const encodings = (bytes: Uint8Array) =>
  reader.query(bytes, 'SELECT encodings FROM parquet_metadata($file)').then((rows) => String(rows[0][0]))

test('repeated texts are a dictionary; it is given up for one that is too large, and for values that are new', async () => {
  const field = [optional('t', 'bytes', 'string')]
  const rows = 4000
  const cases = [
    { values: Array.from({ length: rows }, (_, row) => `v${row % 50}`), expected: /RLE_DICTIONARY/ },
    // 1500 entries of a kilobyte, each twice: more than a dictionary may hold.
    { values: Array.from({ length: 3000 }, (_, row) => `${row % 1500}`.padEnd(1024, 'x')), expected: /DELTA_LENGTH/ },
    { values: Array.from({ length: rows }, (_, row) => `unlike ${row}`), expected: /DELTA_LENGTH/ },
  ]
  for (const { values, expected } of cases) {
    const bytes = fileOf(field, [values.length, [text(values)]])
    assert.match(await encodings(bytes), expected)
    assert.deepEqual(
      (await reader.rows(bytes)).map(([value]) => value),
      values,
    )
  }
})

test('ids leave out what they share with the one before', async () => {
  const ids = Array.from({ length: 1000 }, (_, row) => (row === 500 ? null : `0190-${String(row).padStart(6, '0')}`))
  const bytes = fileOf([optional('id', 'bytes', 'string')], [1000, [leaf(columnOf('text', ids), 1000, 'bytes', true)]])
  assert.match(await encodings(bytes), /DELTA_BYTE_ARRAY/)
  assert.deepEqual(
    (await reader.rows(bytes)).map(([id]) => id),
    ids,
  )
})

test('integers are deltas where a double holds them and their differences, else as they are', async () => {
  const safe = 2n ** 52n
  const cases: readonly [readonly bigint[], RegExp][] = [
    [Array.from({ length: 300 }, (_, at) => BigInt(at) * 1_000_003n), /DELTA_BINARY_PACKED/],
    [[safe - 1n, 0n, 1n, safe - 1n, -0n, 5n, 7n], /DELTA_BINARY_PACKED/],
    [[safe, -safe, 3n], /^((?!DELTA).)*$/],
    [[MAX, MIN, MAX - 1n, 2n ** 53n + 1n], /^((?!DELTA).)*$/],
  ]
  for (const [values, expected] of cases) {
    const bytes = fileOf([optional('n', 'int64')], [values.length, [long(values)]])
    assert.match(await encodings(bytes), expected)
    assert.deepEqual(
      (await reader.rows(bytes)).map(([value]) => value),
      values,
    )
  }
})

test('statistics bound the values: long texts are shortened upwards and downwards, NaN takes them away', async () => {
  const bounds = async (field: Field, data: LeafData) =>
    (
      await reader.query(
        fileOf([field], [data.levels, [data]]),
        'SELECT stats_min_value, stats_max_value, stats_null_count, min_is_exact, max_is_exact FROM parquet_metadata($file)',
      )
    )[0]
  const string = optional('t', 'bytes', 'string')
  assert.deepEqual(await bounds(string, text(['b', 'a', null, 'ü'])), ['a', 'ü', 1n, true, true])
  const long64 = 'm'.repeat(80)
  assert.deepEqual(await bounds(string, text([long64])), ['m'.repeat(64), `${'m'.repeat(63)}n`, 0n, false, false])
  const wide = 'ü'.repeat(40)
  assert.deepEqual(await bounds(string, text([wide])), ['ü'.repeat(32), null, 0n, false, null])
  const double = optional('d', 'double')
  const doubles = (values: readonly Value[]) => leaf(columnOf('double', values), values.length, 'double')
  assert.deepEqual((await bounds(double, doubles([1, -2.5, 3]))).slice(0, 2), ['-2.5', '3.0'])
  assert.deepEqual((await bounds(double, doubles([0, 0]))).slice(0, 2), ['-0.0', '0.0'])
  assert.deepEqual((await bounds(double, doubles([1, Number.NaN]))).slice(0, 3), [null, null, 0n])
  assert.deepEqual((await bounds(optional('n', 'int64'), long([MIN, MAX]))).slice(0, 2), [String(MIN), String(MAX)])
})
