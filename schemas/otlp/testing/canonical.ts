/** What protobuf bytes say, whatever their order of fields and form of lengths: for comparing encoders in tests. */
import type { Message } from '../messages.ts'
import { ProtobufReader } from '../protobuf_reader.ts'

/** Field number → what was sent for it, in order. Numbers that are 0 and empty texts count as not sent. */
export type Canonical = { [number: number]: (Canonical | string)[] }

export function canonical(bytes: Uint8Array, message: Message, keepDefaults = KEEP.has(message.name)): Canonical {
  const reader = new ProtobufReader(bytes)
  const result: Canonical = {}
  for (let at = 0; at < bytes.length; ) {
    const tag = reader.varint32(at, bytes.length)
    const start = reader.at
    at = reader.skip(tag & 7, start, bytes.length)
    const field = message.fields.find(({ number }) => number === tag >>> 3)
    if (field === undefined) throw new RangeError(`${message.name} has no field ${tag >>> 3}`)
    let value: Canonical | string
    if ((tag & 7) === 2) {
      reader.varint32(start, bytes.length)
      const content = bytes.subarray(reader.at, at)
      value = field.message === undefined ? Buffer.from(content).toString('hex') : canonical(content, field.message)
    } else value = Buffer.from(bytes.subarray(start, at)).toString('hex')
    const isDefault = typeof value === 'string' && /^0*$/.test(value) && !field.repeated
    if (isDefault && !keepDefaults && !OPTIONAL.has(field.name)) continue
    if (field.repeated && field.kind !== 'string' && value === '') continue
    result[field.number] = [...(result[field.number] ?? []), value]
  }
  return result
}

/** In a oneof, and for fields marked optional, 0 is not the same as nothing. */
const KEEP = new Set(['AnyValue'])
const OPTIONAL = new Set(['as_int', 'as_double', 'sum', 'min', 'max'])
