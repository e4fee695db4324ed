/** Writes the protobuf wire format in one pass. */

/**
 * A message's length is written in four bytes (a longer varint than needed, which is legal), so that its content's
 * place is known before its size is. It bounds a message at 2^28 bytes.
 */
const LENGTH_BYTES = 4

export class ProtobufWriter {
  #bytes: Uint8Array
  #view: DataView
  /** Where the next byte goes. */
  at = 0

  constructor(capacityBytes: number) {
    this.#bytes = new Uint8Array(capacityBytes)
    this.#view = new DataView(this.#bytes.buffer)
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.at)
  }

  /** @param value 0 to 2^32 - 1 */
  varint32(value: number): void {
    this.#reserve(5)
    while (value >= 128) {
      this.#bytes[this.at++] = (value & 127) | 128
      value >>>= 7
    }
    this.#bytes[this.at++] = value
  }

  /** @param low @param high the two halves of 64 bits, unsigned */
  varint64(low: number, high: number): void {
    this.#reserve(10)
    while (high > 0 || low >= 128) {
      this.#bytes[this.at++] = (low & 127) | 128
      low = ((low >>> 7) | (high << 25)) >>> 0
      high >>>= 7
    }
    this.#bytes[this.at++] = low
  }

  fixed32(value: number): void {
    this.#reserve(4)
    this.#view.setUint32(this.at, value, true)
    this.at += 4
  }

  fixed64(low: number, high: number): void {
    this.fixed32(low)
    this.fixed32(high)
  }

  double(value: number): void {
    this.#reserve(8)
    this.#view.setFloat64(this.at, value, true)
    this.at += 8
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.at++] = value
  }

  /** The length of these bytes, then the bytes. Returns where the bytes begin. */
  delimited(source: Uint8Array, start: number, end: number): number {
    const length = end - start
    this.varint32(length)
    this.#reserve(length)
    const begin = this.at
    const target = this.#bytes
    if (length < 32) for (let from = start, to = begin; from < end; from++, to++) target[to] = source[from]
    else target.set(source.subarray(start, end), begin)
    this.at = begin + length
    return begin
  }

  /** Leaves room for a length. Returns what {@link close} needs to fill it in. */
  open(): number {
    this.#reserve(LENGTH_BYTES)
    this.at += LENGTH_BYTES
    return this.at
  }

  close(begin: number): void {
    const length = this.at - begin
    const bytes = this.#bytes
    bytes[begin - 4] = (length & 127) | 128
    bytes[begin - 3] = ((length >>> 7) & 127) | 128
    bytes[begin - 2] = ((length >>> 14) & 127) | 128
    bytes[begin - 1] = length >>> 21
  }

  #reserve(size: number): void {
    if (this.at + size <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.at + size))
    larger.set(this.#bytes)
    this.#bytes = larger
    this.#view = new DataView(larger.buffer)
  }
}
