/**
 * Parquet's three delta encodings.
 * https://parquet.apache.org/docs/file-format/data-pages/encodings/#DELTAENC
 */
import type { ByteWriter } from './byte_writer.ts'

const BLOCK = 128
const MINIBLOCKS = 4
const MINIBLOCK = BLOCK / MINIBLOCKS
/** Values further apart than this have differences that a double does not hold exactly. */
export const MAX_DELTA_RANGE = 2 ** 52

const deltas = new Float64Array(BLOCK)
const widths = new Uint8Array(MINIBLOCKS)

/**
 * DELTA_BINARY_PACKED of `values[from..to)`: integers of at most 2^53 in magnitude that lie within
 * {@link MAX_DELTA_RANGE} of each other.
 */
export function writeDeltaPacked(out: ByteWriter, values: ArrayLike<number>, from: number, to: number): void {
  out.varint(BLOCK)
  out.varint(MINIBLOCKS)
  out.varint(to - from)
  out.zigzag(from < to ? values[from] : 0)
  for (let at = from + 1; at < to; at += BLOCK) {
    const count = Math.min(BLOCK, to - at)
    let least = Number.POSITIVE_INFINITY
    for (let next = 0; next < count; next++) {
      const delta = values[at + next] - values[at + next - 1]
      deltas[next] = delta
      if (delta < least) least = delta
    }
    out.zigzag(least)
    for (let mini = 0; mini < MINIBLOCKS; mini++) {
      let most = 0
      const end = Math.min(count, (mini + 1) * MINIBLOCK)
      for (let next = mini * MINIBLOCK; next < end; next++) {
        deltas[next] -= least
        if (deltas[next] > most) most = deltas[next]
      }
      widths[mini] = bitsOf(most)
    }
    out.bytes(widths)
    // A miniblock is always full; what is past the end is padding.
    deltas.fill(0, count)
    for (let mini = 0; mini * MINIBLOCK < count; mini++) {
      writeMiniblock(out, mini * MINIBLOCK, widths[mini])
    }
  }
}

/** Bits of an integer of at most 2^53. */
function bitsOf(value: number): number {
  return value < 4294967296 ? 32 - Math.clz32(value) : 64 - Math.clz32(Math.floor(value / 4294967296))
}

/** Packs 32 values lowest bit first, 24 bits at a time so that what is not yet a full byte never fills the word. */
function writeMiniblock(out: ByteWriter, start: number, width: number): void {
  out.reserve((MINIBLOCK * width) / 8 + 4)
  const buffer = out.buffer
  let position = out.size
  let bits = 0
  let used = 0
  for (let at = start; at < start + MINIBLOCK; at++) {
    let value = deltas[at]
    for (let left = width; left > 0; left -= 24) {
      const low = value % 16777216
      value = (value - low) / 16777216
      bits |= low << used
      used += Math.min(left, 24)
      while (used >= 8) {
        buffer[position++] = bits
        bits >>>= 8
        used -= 8
      }
    }
  }
  out.size = position
}

/** Byte strings: value `i` is `data[offsets[entry]..offsets[entry + 1])` with `entry = entries[i]`. */
export interface ByteStrings {
  readonly data: Uint8Array
  readonly offsets: Uint32Array
  readonly entries: Uint32Array
}

/** DELTA_LENGTH_BYTE_ARRAY of values `from` to `to`: all lengths, then all bytes. */
export function writeDeltaLength(out: ByteWriter, { data, offsets, entries }: ByteStrings, from: number, to: number) {
  const lengths = new Uint32Array(to - from)
  let size = 0
  for (let at = from; at < to; at++) {
    const length = offsets[entries[at] + 1] - offsets[entries[at]]
    lengths[at - from] = length
    size += length
  }
  writeDeltaPacked(out, lengths, 0, lengths.length)
  out.reserve(size)
  for (let at = from; at < to; at++) out.range(data, offsets[entries[at]], offsets[entries[at] + 1])
}

/** DELTA_BYTE_ARRAY: how many bytes each value shares with the one before it, then the rest as DELTA_LENGTH. */
export function writeDeltaBytes(out: ByteWriter, { data, offsets, entries }: ByteStrings, from: number, to: number) {
  const prefixes = new Uint32Array(to - from)
  const lengths = new Uint32Array(to - from)
  let before = 0
  let beforeLength = 0
  for (let at = from; at < to; at++) {
    const start = offsets[entries[at]]
    const length = offsets[entries[at] + 1] - start
    const limit = Math.min(length, beforeLength)
    let shared = 0
    while (shared < limit && data[start + shared] === data[before + shared]) shared++
    prefixes[at - from] = shared
    lengths[at - from] = length - shared
    before = start
    beforeLength = length
  }
  writeDeltaPacked(out, prefixes, 0, prefixes.length)
  writeDeltaPacked(out, lengths, 0, lengths.length)
  for (let at = from; at < to; at++) {
    const end = offsets[entries[at] + 1]
    out.range(data, end - lengths[at - from], end)
  }
}
