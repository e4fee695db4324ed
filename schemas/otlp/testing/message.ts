/**
 * A protobuf message being written, for tests (https://protobuf.dev/programming-guides/encoding/). As proto3 asks,
 * a field with its default value is left out, unless `always`.
 */
export class Message {
  readonly #parts: Uint8Array[] = []

  bytes(): Uint8Array {
    return Buffer.concat(this.#parts)
  }

  varint(field: number, value: bigint, always = false): this {
    if (value !== 0n || always) this.#parts.push(varint(BigInt(field) << 3n), varint(value))
    return this
  }

  /** uint32, int32 and enums. */
  number(field: number, value: number | undefined): this {
    return this.varint(field, BigInt(value ?? 0))
  }

  /** sint32. */
  zigzag(field: number, value = 0): this {
    return this.varint(field, BigInt.asUintN(32, BigInt((value << 1) ^ (value >> 31))))
  }

  fixed64(field: number, value: string | undefined, always = false): this {
    const number = BigInt(value ?? 0)
    if (number !== 0n || always) this.#parts.push(varint(BigInt((field << 3) | 1)), uint64(number))
    return this
  }

  fixed32(field: number, value = 0): this {
    if (value === 0) return this
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(value)
    this.#parts.push(varint(BigInt((field << 3) | 5)), bytes)
    return this
  }

  double(field: number, value: number, always = false): this {
    if (Object.is(value, 0) && !always) return this
    this.#parts.push(varint(BigInt((field << 3) | 1)), float64(value))
    return this
  }

  raw(field: number, bytes: Uint8Array, always = false): this {
    if (bytes.length > 0 || always) {
      this.#parts.push(varint(BigInt((field << 3) | 2)), varint(BigInt(bytes.length)), bytes)
    }
    return this
  }

  string(field: number, text: string | undefined, always = false): this {
    return this.raw(field, Buffer.from(text ?? ''), always)
  }

  hex(field: number, digits: string | undefined): this {
    return this.raw(field, Buffer.from(digits ?? '', 'hex'))
  }

  /** A message that is there is written even when empty; `undefined` is not there. */
  message(field: number, message: Message | undefined): this {
    return message === undefined ? this : this.raw(field, message.bytes(), true)
  }

  packedFixed64(field: number, values: readonly string[] = []): this {
    return this.raw(field, Buffer.concat(values.map((value) => uint64(BigInt(value)))))
  }

  packedDouble(field: number, values: readonly number[] = []): this {
    return this.raw(field, Buffer.concat(values.map(float64)))
  }

  packedVarint(field: number, values: readonly string[] = []): this {
    return this.raw(field, Buffer.concat(values.map((value) => varint(BigInt(value)))))
  }
}

/** Base-128, least significant group first; a negative number as its 64-bit two's complement. */
function varint(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}

function uint64(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value))
  return bytes
}

function float64(value: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes
}
