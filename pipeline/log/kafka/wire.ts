/**
 * Kafka's primitive types, read and written: big-endian integers, strings with their length, varints as in Protocol
 * Buffers (zigzag where signed), and the compact forms of KIP-482 (length + 1 as unsigned varint).
 * Formats: https://kafka.apache.org/protocol#protocol_types
 */

const INITIAL_BYTES = 256
const TWO_32 = 2 ** 32

export class WireWriter {
  #bytes: Buffer
  #size = 0

  /** @param sizeHint bytes it will take; a wrong hint costs a copy */
  constructor(sizeHint = INITIAL_BYTES) {
    this.#bytes = Buffer.allocUnsafe(sizeHint)
  }

  get size(): number {
    return this.#size
  }

  /** What was written; not to be written on after. */
  get buffer(): Buffer {
    return this.#bytes.subarray(0, this.#size)
  }

  int8(value: number): this {
    const at = this.#take(1)
    this.#bytes.writeInt8(value, at)
    return this
  }

  int16(value: number): this {
    const at = this.#take(2)
    this.#bytes.writeInt16BE(value, at)
    return this
  }

  int32(value: number): this {
    const at = this.#take(4)
    this.#bytes.writeInt32BE(value, at)
    return this
  }

  uint32(value: number): this {
    const at = this.#take(4)
    this.#bytes.writeUInt32BE(value, at)
    return this
  }

  /** @param value a safe integer */
  int64(value: number): this {
    const at = this.#take(8)
    const high = Math.floor(value / TWO_32)
    this.#bytes.writeInt32BE(high, at)
    this.#bytes.writeUInt32BE(value - high * TWO_32, at + 4)
    return this
  }

  uvarint(value: number): this {
    for (; value >= 0x80; value = Math.floor(value / 0x80)) this.#byte((value % 0x80) | 0x80)
    return this.#byte(value)
  }

  /** @param value ≥ -1: lengths and deltas, where -1 is null */
  varint(value: number): this {
    return this.uvarint(value < 0 ? -2 * value - 1 : 2 * value)
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1)
    const bytes = Buffer.from(value)
    return this.int16(bytes.length).bytes(bytes)
  }

  compactString(value: string | null): this {
    if (value === null) return this.uvarint(0)
    const bytes = Buffer.from(value)
    return this.uvarint(bytes.length + 1).bytes(bytes)
  }

  /** The bytes and nothing more. */
  bytes(value: Uint8Array): this {
    const at = this.#take(value.length)
    this.#bytes.set(value, at)
    return this
  }

  array<T>(items: readonly T[], write: (item: T) => unknown): this {
    this.int32(items.length)
    for (const item of items) write(item)
    return this
  }

  #byte(value: number): this {
    const at = this.#take(1)
    this.#bytes[at] = value
    return this
  }

  /** Makes room. @returns where it is, in what `#bytes` is only after the call */
  #take(size: number): number {
    const at = this.#size
    this.#size += size
    if (this.#size > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#size, 2 * this.#bytes.length))
      grown.set(this.#bytes.subarray(0, at))
      this.#bytes = grown
    }
    return at
  }
}

/** @throws RangeError where the bytes end before the value */
export class WireReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get at(): number {
    return this.#at
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  int8(): number {
    return this.#bytes.readInt8(this.#take(1))
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#take(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4))
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4))
  }

  /** Exact within safe integers: offsets and times. */
  int64(): number {
    const at = this.#take(8)
    return this.#bytes.readInt32BE(at) * TWO_32 + this.#bytes.readUInt32BE(at + 4)
  }

  uvarint(): number {
    let value = 0
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.#bytes[this.#take(1)]
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
  }

  varint(): number {
    const value = this.uvarint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  string(): string | null {
    const length = this.int16()
    return length < 0 ? null : this.bytes(length).toString()
  }

  compactString(): string | null {
    const length = this.uvarint()
    return length === 0 ? null : this.bytes(length - 1).toString()
  }

  /** A view, no copy. */
  bytes(length: number): Buffer {
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  skip(length: number): void {
    this.#take(length)
  }

  array<T>(read: () => T): T[] {
    return this.#items(this.int32(), read)
  }

  compactArray<T>(read: () => T): T[] {
    return this.#items(this.uvarint() - 1, read)
  }

  /** Tagged fields, none of which we know. */
  skipTags(): void {
    for (let count = this.uvarint(); count > 0; count--) {
      this.uvarint()
      this.skip(this.uvarint())
    }
  }

  #items<T>(count: number, read: () => T): T[] {
    const items: T[] = []
    for (let i = 0; i < count; i++) items.push(read())
    return items
  }

  #take(size: number): number {
    const at = this.#at
    if (size < 0 || at + size > this.#bytes.length) {
      throw new RangeError(`${size} bytes at ${at} of ${this.#bytes.length}: what was received is cut short`)
    }
    this.#at += size
    return at
  }
}
