/**
 * JSON text being written into bytes that are used again and again.
 *
 * int64 are plain digits; doubles always have a point or an exponent (`1.0`, `1e+21`, `-0.0`), so that the two can be
 * told apart; what JSON has no number for is "NaN", "Infinity", "-Infinity".
 */
import { grown } from '#pipeline/batch/grown.ts'
import { doubleLiteral } from '#schemas/tables/pack_json.ts'
import { signedBigint, unsignedBigint } from './wire.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const HEX = Buffer.from('0123456789abcdef', 'latin1')
const BASE64 = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', 'latin1')

/** JSON's short escapes by byte; 0 where there is none. */
const SHORT_ESCAPES = new Uint8Array(256)
for (const [character, letter] of ['""', '\\\\', '\nn', '\rr', '\tt', '\bb', '\ff']) {
  SHORT_ESCAPES[character.charCodeAt(0)] = letter.charCodeAt(0)
}

export class JsonWriter {
  bytes = new Uint8Array(0)
  size = 0

  /** Starts anew. */
  reset(): void {
    this.size = 0
  }

  /** The text written so far. */
  text(): string {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset, this.size).toString('utf8')
  }

  /** JSON text as it is; ASCII only. */
  raw(text: string): void {
    this.#reach(text.length)
    for (let at = 0; at < text.length; at++) this.bytes[this.size++] = text.charCodeAt(at)
  }

  /** A comma, unless this is the first of the array or object that began at `start`. */
  comma(start: number): void {
    if (this.size > start) this.raw(',')
  }

  /** A string of UTF-8 bytes `source[start..end)`. */
  string(source: Uint8Array, start: number, end: number): void {
    this.#reach((end - start) * 6 + 2)
    const bytes = this.bytes
    let size = this.size
    bytes[size++] = QUOTE
    for (let at = start; at < end; at++) {
      const byte = source[at]
      if (byte < 0x20 || byte === QUOTE || byte === BACKSLASH) size = writeEscape(bytes, size, byte)
      else bytes[size++] = byte
    }
    bytes[size++] = QUOTE
    this.size = size
  }

  /** Lower-case hex digits in quotes. */
  hex(source: Uint8Array, start: number, end: number): void {
    this.#reach((end - start) * 2 + 2)
    this.bytes[this.size++] = QUOTE
    this.size = writeHex(this.bytes, this.size, source, start, end)
    this.bytes[this.size++] = QUOTE
  }

  /** Base64 with padding, in quotes (RFC 4648 §4). */
  base64(source: Uint8Array, start: number, end: number): void {
    this.#reach(Math.ceil((end - start) / 3) * 4 + 2)
    const bytes = this.bytes
    let size = this.size
    bytes[size++] = QUOTE
    for (let at = start; at < end; at += 3) {
      const left = end - at
      const group = (source[at] << 16) | (left > 1 ? source[at + 1] << 8 : 0) | (left > 2 ? source[at + 2] : 0)
      bytes[size++] = BASE64[group >> 18]
      bytes[size++] = BASE64[(group >> 12) & 63]
      bytes[size++] = left > 1 ? BASE64[(group >> 6) & 63] : 0x3d
      bytes[size++] = left > 2 ? BASE64[group & 63] : 0x3d
    }
    bytes[size++] = QUOTE
    this.size = size
  }

  /** The digits of a signed 64-bit number given by its halves. */
  int64(low: number, high: number): void {
    this.raw(high === 0 ? String(low) : String(signedBigint(low, high)))
  }

  /** The digits of an unsigned 64-bit number given by its halves. */
  uint64(low: number, high: number): void {
    this.raw(high === 0 ? String(low) : String(unsignedBigint(low, high)))
  }

  double(value: number): void {
    this.raw(doubleLiteral(value))
  }

  #reach(more: number): void {
    if (this.size + more > this.bytes.length) this.bytes = grown(this.bytes, this.size + more)
  }
}

/** Writes `source[start..end)` as lower-case hex digits at `target[at]`; gives the place after them. */
export function writeHex(target: Uint8Array, at: number, source: Uint8Array, start: number, end: number): number {
  let size = at
  for (let from = start; from < end; from++) {
    const byte = source[from]
    target[size++] = HEX[byte >> 4]
    target[size++] = HEX[byte & 15]
  }
  return size
}

function writeEscape(target: Uint8Array, at: number, byte: number): number {
  target[at] = BACKSLASH
  if (SHORT_ESCAPES[byte] !== 0) {
    target[at + 1] = SHORT_ESCAPES[byte]
    return at + 2
  }
  target[at + 1] = 0x75 // u
  target[at + 2] = 0x30
  target[at + 3] = 0x30
  target[at + 4] = HEX[byte >> 4]
  target[at + 5] = HEX[byte & 15]
  return at + 6
}
