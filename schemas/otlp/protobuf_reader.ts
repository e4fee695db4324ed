/** The protobuf wire format (protobuf.dev/programming-guides/encoding), as far as checking bytes needs it. */
import { MalformedError } from './messages.ts'

export const LENGTH_DELIMITED = 2
const LONGEST_VARINT_BYTES = 10

/** Reads by position; `at` is where the last varint ended. Nothing reads past the `end` it is given. */
export class ProtobufReader {
  readonly bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** A tag or a length. Longer forms than needed are legal. @throws MalformedError past the end or past 2^32 */
  varint32(at: number, end: number): number {
    let value = 0
    let scale = 1
    for (let read = 0; read < LONGEST_VARINT_BYTES; read++) {
      if (at >= end) throw new MalformedError('the message ends within a varint', at)
      const byte = this.bytes[at++]
      value += (byte & 127) * scale
      if (byte < 128) {
        if (value >= 2 ** 32) throw new MalformedError('a tag or length beyond 32 bits', at)
        this.at = at
        return value
      }
      scale *= 128
    }
    throw new MalformedError('a varint longer than 10 bytes', at)
  }

  /** Where a value of this wire type ends. Groups (3, 4) are not in OTLP. @throws MalformedError */
  skip(wireType: number, at: number, end: number): number {
    let after: number
    switch (wireType) {
      case 0:
        return this.#skipVarint(at, end)
      case 1:
        after = at + 8
        break
      case LENGTH_DELIMITED: {
        const length = this.varint32(at, end)
        after = this.at + length
        break
      }
      case 5:
        after = at + 4
        break
      default:
        throw new MalformedError(`wire type ${wireType}`, at)
    }
    if (after > end) throw new MalformedError('a value longer than what holds it', at)
    return after
  }

  /** Where a packed list of numbers of this wire type ends. @throws MalformedError where it is not made of them */
  packed(wireType: number, at: number, end: number): number {
    const close = this.skip(LENGTH_DELIMITED, at, end)
    let item = this.at
    while (item < close) item = this.skip(wireType, item, close)
    return close
  }

  #skipVarint(at: number, end: number): number {
    const last = Math.min(end, at + LONGEST_VARINT_BYTES)
    while (at < last) if (this.bytes[at++] < 128) return at
    throw new MalformedError('a varint that does not end', at)
  }
}
