/**
 * Thrift's compact protocol as a tree that can be read, changed and written again: all a footer says is kept, known to
 * us or not.
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
import type { ByteWriter } from './byte_writer.ts'

export interface ThriftField {
  readonly id: number
  readonly type: number
  value: ThriftValue
}

export interface ThriftList {
  readonly itemType: number
  readonly items: ThriftValue[]
}

/** Integers are bigints, doubles and bytes their raw bytes, structs arrays of their fields. */
export type ThriftValue = boolean | bigint | Uint8Array | ThriftList | ThriftField[]

const TRUE = 1
const FALSE = 2
const BYTE = 3
const I64 = 6
const DOUBLE = 7
const BINARY = 8
const LIST = 9
const SET = 10
const STRUCT = 12

/** @throws RangeError where the bytes are no struct */
export function readThrift(bytes: Uint8Array): ThriftField[] {
  let at = 0
  const byte = () => {
    if (at >= bytes.length) throw new RangeError('a Thrift struct ends too early')
    return bytes[at++]
  }
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const next = byte()
      value |= BigInt(next & 0x7f) << shift
      if (next < 0x80) return value
      if (shift > 63n) throw new RangeError('a Thrift integer has more than 64 bits')
    }
  }
  const zigzag = () => {
    const value = varint()
    return (value >> 1n) ^ -(value & 1n)
  }
  const slice = (size: number) => {
    if (at + size > bytes.length) throw new RangeError('a Thrift struct ends too early')
    at += size
    return bytes.subarray(at - size, at)
  }
  const list = (): ThriftList => {
    const head = byte()
    const size = head >> 4 === 15 ? Number(varint()) : head >> 4
    const itemType = head & 15
    return {
      itemType,
      items: Array.from({ length: size }, () => (itemType <= FALSE ? byte() === TRUE : value(itemType))),
    }
  }
  const struct = (): ThriftField[] => {
    const fields: ThriftField[] = []
    let id = 0
    for (let head = byte(); head !== 0; head = byte()) {
      id = head >> 4 === 0 ? Number(zigzag()) : id + (head >> 4)
      fields.push({ id, type: head & 15, value: value(head & 15) })
    }
    return fields
  }
  const value = (type: number): ThriftValue => {
    if (type === TRUE || type === FALSE) return type === TRUE
    if (type === BYTE) return BigInt.asIntN(8, BigInt(byte()))
    if (type <= I64) return zigzag()
    if (type === DOUBLE) return slice(8)
    if (type === BINARY) return slice(Number(varint()))
    if (type === LIST || type === SET) return list()
    if (type === STRUCT) return struct()
    throw new RangeError(`a Thrift value of type ${type}`)
  }
  return struct()
}

export function writeThrift(out: ByteWriter, fields: readonly ThriftField[]): void {
  let before = 0
  for (const { id, type, value } of fields) {
    const kind = typeof value === 'boolean' ? (value ? TRUE : FALSE) : type
    const step = id - before
    before = id
    if (step > 0 && step <= 15) out.byte((step << 4) | kind)
    else {
      out.byte(kind)
      out.zigzag(id)
    }
    if (typeof value !== 'boolean') writeValue(out, kind, value)
  }
  out.byte(0)
}

function writeValue(out: ByteWriter, type: number, value: ThriftValue): void {
  if (typeof value === 'boolean') out.byte(value ? TRUE : FALSE)
  else if (typeof value === 'bigint') writeInteger(out, type, value)
  else if (value instanceof Uint8Array) {
    if (type === BINARY) out.varint(value.length)
    out.bytes(value)
  } else if (Array.isArray(value)) writeThrift(out, value)
  else {
    const { itemType, items } = value
    if (items.length < 15) out.byte((items.length << 4) | itemType)
    else {
      out.byte(0xf0 | itemType)
      out.varint(items.length)
    }
    for (const item of items) writeValue(out, itemType, item)
  }
}

function writeInteger(out: ByteWriter, type: number, value: bigint): void {
  if (type === BYTE) out.byte(Number(BigInt.asUintN(8, value)))
  else {
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    for (; rest >= 0x80n; rest >>= 7n) out.byte(Number(rest & 0x7fn) | 0x80)
    out.byte(Number(rest))
  }
}

/** The field of that id, if there is one. */
export function fieldOf(fields: readonly ThriftField[], id: number): ThriftField | undefined {
  return fields.find((field) => field.id === id)
}
