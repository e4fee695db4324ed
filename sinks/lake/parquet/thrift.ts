/**
 * Thrift's compact protocol, the writing half: how Parquet writes page headers and the footer.
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
import { ByteWriter } from './byte_writer.ts'

const TRUE = 1
const FALSE = 2
const I32 = 5
const I64 = 6
const BINARY = 8
const LIST = 9
const STRUCT = 12

const encoder = new TextEncoder()

/** Writes one struct; fields must come in ascending order of their ids. A field that is `undefined` is left out. */
export class ThriftStruct {
  readonly #out: ByteWriter
  #lastId = 0

  constructor(out: ByteWriter) {
    this.#out = out
  }

  bool(id: number, value: boolean | undefined): this {
    if (value !== undefined) this.#header(id, value ? TRUE : FALSE)
    return this
  }

  i32(id: number, value: number | undefined): this {
    if (value === undefined) return this
    this.#header(id, I32)
    this.#out.zigzag(value)
    return this
  }

  i64(id: number, value: number | undefined): this {
    if (value === undefined) return this
    this.#header(id, I64)
    this.#out.zigzag(value)
    return this
  }

  binary(id: number, value: Uint8Array | string | undefined): this {
    if (value === undefined) return this
    this.#header(id, BINARY)
    writeBinary(this.#out, value)
    return this
  }

  struct(id: number, write: (struct: ThriftStruct) => void): this {
    this.#header(id, STRUCT)
    writeStruct(this.#out, write)
    return this
  }

  structs<T>(id: number, items: readonly T[], write: (struct: ThriftStruct, item: T) => void): this {
    this.#list(id, STRUCT, items.length)
    for (const item of items) writeStruct(this.#out, (struct) => write(struct, item))
    return this
  }

  i32s(id: number, items: readonly number[]): this {
    this.#list(id, I32, items.length)
    for (const item of items) this.#out.zigzag(item)
    return this
  }

  strings(id: number, items: readonly string[]): this {
    this.#list(id, BINARY, items.length)
    for (const item of items) writeBinary(this.#out, item)
    return this
  }

  #list(id: number, type: number, size: number): void {
    this.#header(id, LIST)
    if (size < 15) this.#out.byte((size << 4) | type)
    else {
      this.#out.byte(0xf0 | type)
      this.#out.varint(size)
    }
  }

  #header(id: number, type: number): void {
    const step = id - this.#lastId
    this.#lastId = id
    if (step > 0 && step <= 15) this.#out.byte((step << 4) | type)
    else {
      this.#out.byte(type)
      this.#out.zigzag(id)
    }
  }
}

export function writeStruct(out: ByteWriter, write: (struct: ThriftStruct) => void): void {
  write(new ThriftStruct(out))
  out.byte(0)
}

/** One struct as bytes. */
export function structBytes(write: (struct: ThriftStruct) => void): Uint8Array {
  const out = new ByteWriter(128)
  writeStruct(out, write)
  return out.written()
}

function writeBinary(out: ByteWriter, value: Uint8Array | string): void {
  const bytes = typeof value === 'string' ? encoder.encode(value) : value
  out.varint(bytes.length)
  out.bytes(bytes)
}
