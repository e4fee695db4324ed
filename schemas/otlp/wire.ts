/**
 * Reads protobuf's wire format (https://protobuf.dev/programming-guides/encoding/), field by field, without making
 * objects. A message reader is a loop: `while (reader.at < end) switch (reader.tag()) …`, then `reader.expect(end)`.
 * In the switches a case is the tag as it stands on the wire: `field << 3 | wire type`.
 */

/** The bytes are not what the wire format allows. */
export class WireError extends Error {
  override readonly name = 'WireError'
}

const TWO_32 = 4294967296

// The platform is little-endian, as the columns' layout is: the words of a double can be put into place as they come.
const double = new Float64Array(1)
const doubleWords = new Uint32Array(double.buffer)

export class WireReader {
  readonly bytes: Uint8Array
  /** Where the next byte is read. */
  at: number
  /** The halves of the 64-bit value read last, as unsigned 32-bit numbers. */
  low = 0
  high = 0

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  /** The next field's tag. */
  tag(): number {
    const first = this.bytes[this.at++]
    return first < 0x80 ? first : this.#rest(first)
  }

  /** A varint's low 32 bits: uint32, enums, lengths. */
  uint32(): number {
    const first = this.bytes[this.at++]
    return first < 0x80 ? first : this.#rest(first)
  }

  int32(): number {
    return this.uint32() | 0
  }

  sint32(): number {
    const value = this.uint32()
    return (value >>> 1) ^ -(value & 1)
  }

  /** A varint of 64 bits, into `low` and `high`. */
  varint64(): void {
    const first = this.bytes[this.at++]
    if (first < 0x80) {
      this.low = first
      this.high = 0
    } else {
      this.#rest(first)
    }
  }

  /** Eight bytes, into `low` and `high`. */
  fixed64(): void {
    const { bytes, at } = this
    this.low = (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
    this.high = (bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16) | (bytes[at + 7] << 24)) >>> 0
    this.at = at + 8
  }

  fixed32(): number {
    const { bytes, at } = this
    this.at = at + 4
    return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
  }

  double(): number {
    this.fixed64()
    doubleWords[0] = this.low
    doubleWords[1] = this.high
    return double[0]
  }

  /**
   * Reads the length of a string, bytes or message and gives its end; it starts at `at`.
   * @throws WireError where it reaches past `limit`
   */
  lengthEnd(limit: number): number {
    const length = this.uint32()
    const end = this.at + length
    if (!(end <= limit)) throw new WireError(`${length} bytes at ${this.at}, where ${limit - this.at} are left`)
    return end
  }

  /** Skips the field whose tag was just read. @throws WireError where it is a group, or reaches past `limit` */
  skip(tag: number, limit: number): void {
    if (!(tag >= 8)) throw new WireError(`field 0 at ${this.at}`)
    switch (tag & 7) {
      case 0:
        this.varint64()
        break
      case 1:
        this.at += 8
        break
      case 2:
        this.at = this.lengthEnd(limit)
        break
      case 5:
        this.at += 4
        break
      default:
        throw new WireError(`wire type ${tag & 7} at ${this.at}`)
    }
  }

  /** Ends a message. @throws WireError where its last field reached past its end */
  expect(end: number): void {
    if (this.at !== end) throw new WireError(`a field ends at ${this.at}, its message at ${end}`)
  }

  /** The varint whose first byte was read and is not its only one: into `low` and `high`; gives `low`. */
  #rest(first: number): number {
    const bytes = this.bytes
    let low = first & 0x7f
    for (let shift = 7; shift < 28; shift += 7) {
      const byte = bytes[this.at++]
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) return this.#words(low >>> 0, 0)
    }
    const middle = bytes[this.at++]
    low = (low | ((middle & 0x7f) << 28)) >>> 0
    let high = (middle & 0x7f) >> 4
    if (middle < 0x80) return this.#words(low, high)
    for (let shift = 3; shift < 35; shift += 7) {
      const byte = bytes[this.at++]
      high |= (byte & 0x7f) << shift
      if (byte < 0x80) return this.#words(low, high >>> 0)
    }
    throw new WireError(`a varint that does not end, or is cut off, at ${this.at}`)
  }

  #words(low: number, high: number): number {
    this.low = low
    this.high = high
    return low
  }
}

/** The unsigned number of two halves; exact up to 2^53. */
export function unsignedNumber(low: number, high: number): number {
  return high * TWO_32 + low
}

/** The unsigned number of two halves. */
export function unsignedBigint(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low)
}

/** The signed (two's complement) number of two halves. */
export function signedBigint(low: number, high: number): bigint {
  return (BigInt(high | 0) << 32n) | BigInt(low)
}
