/** A buffer that grows as it is written to; what the encoders of this folder write into. */
export class ByteWriter {
  /** Valid up to `size`; replaced by a larger one when it grows, so read it again after {@link reserve}. */
  buffer: Uint8Array<ArrayBuffer>
  size = 0

  constructor(capacity = 256) {
    this.buffer = new Uint8Array(capacity)
  }

  /** Makes room for `bytes` more. */
  reserve(bytes: number): void {
    if (this.size + bytes <= this.buffer.length) return
    const larger = new Uint8Array(Math.max(this.size + bytes, this.buffer.length * 2))
    larger.set(this.buffer.subarray(0, this.size))
    this.buffer = larger
  }

  byte(value: number): void {
    this.reserve(1)
    this.buffer[this.size++] = value
  }

  uint32(value: number): void {
    this.reserve(4)
    for (let shift = 0; shift < 32; shift += 8) this.buffer[this.size++] = value >>> shift
  }

  bytes(source: Uint8Array): void {
    this.reserve(source.length)
    this.buffer.set(source, this.size)
    this.size += source.length
  }

  /** `source[from..to)`; a loop for the short ones, where making a view costs more than copying. */
  range(source: Uint8Array, from: number, to: number): void {
    const length = to - from
    this.reserve(length)
    if (length > 64) this.buffer.set(source.subarray(from, to), this.size)
    else for (let at = 0; at < length; at++) this.buffer[this.size + at] = source[from + at]
    this.size += length
  }

  /** Unsigned LEB128. @param value an integer from 0 to 2^53 */
  varint(value: number): void {
    this.reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.buffer[this.size++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    this.buffer[this.size++] = rest
  }

  /** Zigzag LEB128. @param value an integer whose magnitude is at most 2^53 */
  zigzag(value: number): void {
    // The sign goes into the lowest bit; written apart, because value * 2 may not be exact.
    const magnitude = value < 0 ? -(value + 1) : value
    const low = (magnitude % 64) * 2 + (value < 0 ? 1 : 0)
    const high = Math.floor(magnitude / 64)
    this.byte(high > 0 ? low | 0x80 : low)
    if (high > 0) this.varint(high)
  }

  /** What has been written, not copied. */
  written(): Uint8Array<ArrayBuffer> {
    return this.buffer.subarray(0, this.size)
  }
}
