/**
 * Parquet's RLE / bit-packing hybrid, for levels and dictionary indexes, and plain bit packing, for booleans.
 * https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE
 */
import type { ByteWriter } from './byte_writer.ts'

const GROUP = 8

/** Bits that hold every value from 0 to `max`. */
export function bitWidth(max: number): number {
  return max === 0 ? 0 : 32 - Math.clz32(max)
}

/**
 * Writes `values[from..to)` as runs where eight or more are equal, else bit-packed in groups of eight.
 * @param width bits a value, at most 24
 */
export function writeHybrid(
  out: ByteWriter,
  values: Uint8Array | Uint32Array,
  from: number,
  to: number,
  width: number,
): void {
  let at = from
  while (at < to) {
    const value = values[at]
    let end = at + 1
    while (end < to && values[end] === value) end++
    if (end - at >= GROUP || end === to) {
      out.varint((end - at) * 2)
      for (let shift = 0; shift < width; shift += 8) out.byte(value >>> shift)
      at = end
      continue
    }
    const start = at
    do at += GROUP
    while (at < to && !startsRun(values, at, to))
    const groups = (at - start) / GROUP
    out.varint(groups * 2 + 1)
    writePacked(out, values, start, Math.min(at, to), width, groups * GROUP)
  }
}

function startsRun(values: Uint8Array | Uint32Array, at: number, to: number): boolean {
  if (at + GROUP > to) return false
  const value = values[at]
  for (let next = at + GROUP - 1; next > at; next--) if (values[next] !== value) return false
  return true
}

/** Packs `values[from..to)` lowest bit first, filled up with zeros to `count` values (a multiple of eight). */
export function writePacked(
  out: ByteWriter,
  values: Uint8Array | Uint32Array,
  from: number,
  to: number,
  width: number,
  count: number,
): void {
  const end = out.size + (count * width) / 8
  out.reserve(end - out.size + 4)
  const buffer = out.buffer
  let position = out.size
  let bits = 0
  let used = 0
  for (let at = from; at < to; at++) {
    bits |= values[at] << used
    used += width
    while (used >= 8) {
      buffer[position++] = bits
      bits >>>= 8
      used -= 8
    }
  }
  if (used > 0) buffer[position++] = bits
  buffer.fill(0, position, end)
  out.size = end
}
