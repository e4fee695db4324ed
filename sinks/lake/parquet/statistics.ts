/** Minimum, maximum and null count of a column, by Parquet's rules for each type. */
import { type LeafData, type LeafValues, valueCount } from './leaf_data.ts'
import type { ThriftStruct } from './thrift.ts'

/** A bound on the values. Text bounds may be shortened: the minimum is then below, the maximum above every value. */
export interface Statistics {
  readonly nullCount: number
  readonly min?: Bound
  readonly max?: Bound
}

export interface Bound {
  readonly value: Uint8Array | bigint | number
  /** False where a text was shortened. */
  readonly exact: boolean
}

/** Longer texts are shortened to this many bytes in statistics; no id is. */
export const MAX_BOUND_BYTES = 64

export function statisticsOf(data: LeafData): Statistics {
  const nullCount = data.levels - valueCount(data.values)
  if (!data.ordered || valueCount(data.values) === 0) return { nullCount }
  return { nullCount, ...boundsOf(data.values) }
}

function boundsOf(values: LeafValues): Pick<Statistics, 'min' | 'max'> {
  switch (values.type) {
    case 'bytes':
      return textBounds(values.data, values.offsets)
    case 'double':
      return doubleBounds(values.values)
    default: {
      let min: number | bigint = values.values[0]
      let max = min
      for (const value of values.values) {
        if (value < min) min = value
        else if (value > max) max = value
      }
      return { min: { value: min, exact: true }, max: { value: max, exact: true } }
    }
  }
}

/** NaN has no place in the order: with one, nothing is said. Zeros are -0 as minimum and +0 as maximum. */
function doubleBounds(values: Float64Array): Pick<Statistics, 'min' | 'max'> {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (const value of values) {
    if (Number.isNaN(value)) return {}
    if (value < min) min = value
    if (value > max) max = value
  }
  return { min: { value: min === 0 ? -0 : min, exact: true }, max: { value: max === 0 ? 0 : max, exact: true } }
}

function textBounds(data: Uint8Array, offsets: Uint32Array): Pick<Statistics, 'min' | 'max'> {
  let least = 0
  let most = 0
  for (let entry = 1; entry < offsets.length - 1; entry++) {
    if (compareEntries(data, offsets, entry, least) < 0) least = entry
    else if (compareEntries(data, offsets, entry, most) > 0) most = entry
  }
  const min = lowerBound(data.subarray(offsets[least], offsets[least + 1]))
  const max = upperBound(data.subarray(offsets[most], offsets[most + 1]))
  return max === undefined ? { min } : { min, max }
}

/** Order of unsigned bytes, which for UTF-8 is the order of code points. */
function compareEntries(data: Uint8Array, offsets: Uint32Array, one: number, other: number): number {
  const a = offsets[one]
  const b = offsets[other]
  const lengthA = offsets[one + 1] - a
  const lengthB = offsets[other + 1] - b
  const shared = Math.min(lengthA, lengthB)
  for (let at = 0; at < shared; at++) {
    const difference = data[a + at] - data[b + at]
    if (difference !== 0) return difference
  }
  return lengthA - lengthB
}

function lowerBound(bytes: Uint8Array): Bound {
  if (bytes.length <= MAX_BOUND_BYTES) return { value: bytes.slice(), exact: true }
  return { value: bytes.slice(0, characterStart(bytes, MAX_BOUND_BYTES)), exact: false }
}

/** The beginning with its last ASCII character raised by one; none where there is no such character. */
function upperBound(bytes: Uint8Array): Bound | undefined {
  if (bytes.length <= MAX_BOUND_BYTES) return { value: bytes.slice(), exact: true }
  for (let end = MAX_BOUND_BYTES; end > 0; end--) {
    if (bytes[end - 1] >= 0x7f) continue
    const bound = bytes.slice(0, end)
    bound[end - 1]++
    return { value: bound, exact: false }
  }
  return undefined
}

/** The last place at or before `at` where a UTF-8 character starts. */
function characterStart(bytes: Uint8Array, at: number): number {
  let start = at
  while (start > 0 && (bytes[start] & 0xc0) === 0x80) start--
  return start
}

export function writeStatistics(struct: ThriftStruct, statistics: Statistics, type: LeafValues['type']): void {
  const { nullCount, min, max } = statistics
  struct
    .i64(3, nullCount)
    .binary(5, max && plainBytes(max.value, type))
    .binary(6, min && plainBytes(min.value, type))
    .bool(7, max?.exact)
    .bool(8, min?.exact)
}

/** A value as the PLAIN encoding has it, texts without their length. */
function plainBytes(value: Bound['value'], type: LeafValues['type']): Uint8Array {
  if (value instanceof Uint8Array) return value
  const bytes = new DataView(new ArrayBuffer(8))
  switch (type) {
    case 'boolean':
      return Uint8Array.of(Number(value))
    case 'int32':
      bytes.setInt32(0, Number(value), true)
      return new Uint8Array(bytes.buffer, 0, 4)
    case 'int64':
      bytes.setBigInt64(0, BigInt(value), true)
      break
    default:
      bytes.setFloat64(0, Number(value), true)
  }
  return new Uint8Array(bytes.buffer)
}
