/** OTLP's AnyValue and KeyValue (opentelemetry-proto `common.proto`) on the wire: finding what they hold. */
import type { WireReader } from './wire.ts'

/** What an AnyValue holds: the number of the field that is set. */
export type Kind = number
export const UNSET = 0
export const STRING = 1
export const BOOL = 2
export const INT = 3
export const DOUBLE = 4
export const ARRAY = 5
export const KVLIST = 6
export const BYTES = 7

/**
 * Where the value is that {@link readValue} or {@link readKeyValue} found. One for all: values are used up before the
 * next is read, or the fields are copied.
 */
export class Found {
  kind: Kind = UNSET
  /** The bytes of a string, bytes, array or list. */
  from = 0
  to = 0
  /** The halves of a bool, an int64 or a double. */
  low = 0
  high = 0
  keyFrom = 0
  keyTo = 0
}

/** Reads an AnyValue that ends at `end`. Where several fields are set, the last one counts. */
export function readValue(reader: WireReader, end: number, found: Found): void {
  found.kind = UNSET
  while (reader.at < end) {
    const tag = reader.tag()
    switch (tag) {
      case 0x0a: // string_value = 1
      case 0x2a: // array_value = 5
      case 0x32: // kvlist_value = 6
      case 0x3a: // bytes_value = 7
        found.kind = tag >> 3
        found.to = reader.lengthEnd(end)
        found.from = reader.at
        reader.at = found.to
        break
      case 0x10: // bool_value = 2
      case 0x18: // int_value = 3
        found.kind = tag >> 3
        reader.varint64()
        found.low = reader.low
        found.high = reader.high
        break
      case 0x21: // double_value = 4
        found.kind = DOUBLE
        reader.fixed64()
        found.low = reader.low
        found.high = reader.high
        break
      default:
        reader.skip(tag, end)
    }
  }
  reader.expect(end)
}

/** Reads a KeyValue that ends at `end`. */
export function readKeyValue(reader: WireReader, end: number, found: Found): void {
  found.kind = UNSET
  found.keyFrom = end
  found.keyTo = end
  while (reader.at < end) {
    const tag = reader.tag()
    switch (tag) {
      case 0x0a: // key = 1
        found.keyTo = reader.lengthEnd(end)
        found.keyFrom = reader.at
        reader.at = found.keyTo
        break
      case 0x12: // value = 2
        readValue(reader, reader.lengthEnd(end), found)
        break
      default:
        reader.skip(tag, end)
    }
  }
  reader.expect(end)
}

const doubleOf = new Float64Array(1)
const doubleWords = new Uint32Array(doubleOf.buffer)

/** The double that a value of kind {@link DOUBLE} is. */
export function doubleFound(found: Found): number {
  doubleWords[0] = found.low
  doubleWords[1] = found.high
  return doubleOf[0]
}
