/** Chooses how a column's values are encoded, and encodes them. The choices are by measurement: decision record 0002. */
import type { ByteWriter } from './byte_writer.ts'
import { MAX_DELTA_RANGE, writeDeltaBytes, writeDeltaLength, writeDeltaPacked } from './delta_encoding.ts'
import { type LeafValues, valueCount } from './leaf_data.ts'
import { bitWidth, writeHybrid, writePacked } from './rle.ts'

/** Parquet's numbers for them. */
export const ENCODING = { plain: 0, rle: 3, deltaPacked: 5, deltaLength: 6, deltaBytes: 7, dictionary: 8 } as const
export type Encoding = keyof typeof ENCODING

/** How the values of one column chunk are written: a page at a time, after the dictionary if there is one. */
export interface ValueEncoder {
  readonly encoding: Encoding
  readonly dictionary?: { readonly count: number; write(out: ByteWriter): void }
  /** Appends values `from` to `to` (exclusive). */
  write(out: ByteWriter, from: number, to: number): void
}

/** A larger dictionary costs readers more than it saves: the column is then written without one. */
const MAX_DICTIONARY_BYTES = 1 << 20
/** Integers with at most this many different values are written as a dictionary. */
const MAX_DICTIONARY_INTEGERS = 256
const WORD = 4294967296

export function encoderFor(values: LeafValues): ValueEncoder {
  if (valueCount(values) === 0) return { encoding: 'plain', write: () => {} }
  switch (values.type) {
    case 'bytes':
      return bytesEncoder(values)
    case 'boolean':
      return {
        encoding: 'plain',
        write: (out, from, to) => writePacked(out, values.values, from, to, 1, Math.ceil((to - from) / 8) * 8),
      }
    case 'double':
      return plainEncoder(values.values)
    default:
      return integerEncoder(values.values)
  }
}

function bytesEncoder(values: LeafValues & { type: 'bytes' }): ValueEncoder {
  const { data, offsets, entries, prefixed } = values
  const count = offsets.length - 1
  if (prefixed !== true && count * 2 <= entries.length && data.length + count * 4 <= MAX_DICTIONARY_BYTES) {
    return dictionaryEncoder(entries, count, (out) => {
      for (let entry = 0; entry < count; entry++) {
        out.uint32(offsets[entry + 1] - offsets[entry])
        out.range(data, offsets[entry], offsets[entry + 1])
      }
    })
  }
  if (prefixed === true) {
    return { encoding: 'deltaBytes', write: (out, from, to) => writeDeltaBytes(out, values, from, to) }
  }
  return { encoding: 'deltaLength', write: (out, from, to) => writeDeltaLength(out, values, from, to) }
}

function dictionaryEncoder(
  entries: Uint32Array | Uint8Array,
  count: number,
  write: (out: ByteWriter) => void,
): ValueEncoder {
  const width = bitWidth(Math.max(0, count - 1))
  return {
    encoding: 'dictionary',
    dictionary: { count, write },
    write(out, from, to) {
      out.byte(width)
      writeHybrid(out, entries, from, to, width)
    },
  }
}

function integerEncoder(values: Int32Array | BigInt64Array): ValueEncoder {
  const numbers = numbersOf(values)
  // Integers too far from zero or from each other for exact arithmetic on doubles are rare and written as they are.
  if (numbers === null) return plainEncoder(values)
  const seen = new Map<number, number>()
  const entries = new Uint32Array(numbers.length)
  for (let at = 0; at < numbers.length && seen.size <= MAX_DICTIONARY_INTEGERS; at++) {
    let entry = seen.get(numbers[at])
    if (entry === undefined) {
      entry = seen.size
      seen.set(numbers[at], entry)
    }
    entries[at] = entry
  }
  if (seen.size <= MAX_DICTIONARY_INTEGERS && seen.size * 2 <= numbers.length) {
    const distinct =
      values instanceof Int32Array ? Int32Array.from(seen.keys()) : BigInt64Array.from(seen.keys(), BigInt)
    return dictionaryEncoder(entries, seen.size, (out) => out.bytes(bytesOf(distinct)))
  }
  return { encoding: 'deltaPacked', write: (out, from, to) => writeDeltaPacked(out, numbers, from, to) }
}

/** The integers as doubles, `null` where that or their differences would not be exact. */
function numbersOf(values: Int32Array | BigInt64Array): Int32Array | Float64Array | null {
  if (values instanceof Int32Array) return values
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  const numbers = new Float64Array(values.length)
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let at = 0; at < numbers.length; at++) {
    const value = words[at * 2 + 1] * WORD + (words[at * 2] >>> 0)
    numbers[at] = value
    if (value < min) min = value
    if (value > max) max = value
  }
  const exact = Math.max(-min, max) <= Number.MAX_SAFE_INTEGER && max - min < MAX_DELTA_RANGE
  return exact || values.length === 0 ? numbers : null
}

function plainEncoder(values: Int32Array | BigInt64Array | Float64Array): ValueEncoder {
  return { encoding: 'plain', write: (out, from, to) => out.bytes(bytesOf(values.subarray(from, to))) }
}

/** PLAIN is little-endian, as every machine that Node runs on. */
function bytesOf(array: Int32Array | BigInt64Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}
