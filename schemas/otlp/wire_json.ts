/**
 * OTLP values from the wire into JSON, in two forms: plain, as people query them, and exact, as OTLP/JSON has them.
 * Which is used when: `EXACT.md`.
 */
import type { JsonWriter } from './json_writer.ts'
import { WireError, type WireReader } from './wire.ts'
import {
  ARRAY,
  BOOL,
  BYTES,
  DOUBLE,
  doubleFound,
  Found,
  INT,
  KVLIST,
  readKeyValue,
  readValue,
  STRING,
} from './wire_value.ts'

/** How deep values may be nested: what protobuf libraries allow, too. */
const MAX_DEPTH = 100

/**
 * Writes a value as plain JSON, as people query it. Bytes are base64 text; a value that is not set is null.
 * @returns whether that says all (see `EXACT.md`)
 */
export function writePlain(json: JsonWriter, reader: WireReader, found: Found, depth = 0): boolean {
  switch (found.kind) {
    case STRING:
      json.string(reader.bytes, found.from, found.to)
      return true
    case BOOL:
      json.raw(found.low === 0 && found.high === 0 ? 'false' : 'true')
      return true
    case INT:
      json.int64(found.low, found.high)
      return true
    case DOUBLE: {
      const value = doubleFound(found)
      json.double(value)
      return Number.isFinite(value)
    }
    case ARRAY:
      return writePlainArray(json, reader, found.from, found.to, depth + 1)
    case KVLIST:
      json.raw('{')
      return writeMembers(json, reader, found.from, found.to, 0x0a, depth + 1)
    case BYTES:
      json.base64(reader.bytes, found.from, found.to)
      return false
    default:
      json.raw('null')
      return false
  }
}

/** Writes the attributes of a message, its fields with this tag, as a plain JSON object. */
export function writePlainObject(json: JsonWriter, reader: WireReader, from: number, to: number, tag: number): boolean {
  json.raw('{')
  return writeMembers(json, reader, from, to, tag, 0)
}

function writePlainArray(json: JsonWriter, reader: WireReader, from: number, to: number, depth: number): boolean {
  checkDepth(depth)
  json.raw('[')
  const start = json.size
  let complete = true
  const item = new Found()
  for (reader.at = from; reader.at < to; ) {
    const tag = reader.tag()
    if (tag !== 0x0a) {
      reader.skip(tag, to)
      continue
    }
    json.comma(start)
    const end = reader.lengthEnd(to)
    readValue(reader, end, item)
    if (!writePlain(json, reader, item, depth)) complete = false
    reader.at = end
  }
  reader.expect(to)
  json.raw(']')
  return complete
}

/** Of a key that comes twice the first value is written; the object's opening brace has been. */
function writeMembers(
  json: JsonWriter,
  reader: WireReader,
  from: number,
  to: number,
  wanted: number,
  depth: number,
): boolean {
  checkDepth(depth)
  const start = json.size
  let complete = true
  let seen: Set<string> | null = null
  let firstKey: string | null = null
  const entry = new Found()
  for (reader.at = from; reader.at < to; ) {
    const tag = reader.tag()
    if (tag !== wanted) {
      reader.skip(tag, to)
      continue
    }
    const end = reader.lengthEnd(to)
    readKeyValue(reader, end, entry)
    const key = Buffer.prototype.latin1Slice.call(reader.bytes, entry.keyFrom, entry.keyTo)
    if (firstKey === null) {
      firstKey = key
    } else {
      seen ??= new Set([firstKey])
      if (seen.has(key)) {
        complete = false
        reader.at = end
        continue
      }
      seen.add(key)
    }
    json.comma(start)
    json.string(reader.bytes, entry.keyFrom, entry.keyTo)
    json.raw(':')
    if (!writePlain(json, reader, entry, depth)) complete = false
    reader.at = end
  }
  reader.expect(to)
  json.raw('}')
  return complete
}

/** Writes a value in OTLP/JSON form (`{"intValue":"1"}`): loses nothing. */
export function writeExact(json: JsonWriter, reader: WireReader, found: Found, depth = 0): void {
  switch (found.kind) {
    case STRING:
      json.raw('{"stringValue":')
      json.string(reader.bytes, found.from, found.to)
      break
    case BOOL:
      json.raw(found.low === 0 && found.high === 0 ? '{"boolValue":false' : '{"boolValue":true')
      break
    case INT:
      json.raw('{"intValue":"')
      json.int64(found.low, found.high)
      json.raw('"')
      break
    case DOUBLE:
      json.raw('{"doubleValue":')
      json.double(doubleFound(found))
      break
    case ARRAY:
      json.raw('{"arrayValue":{"values":[')
      writeExactItems(json, reader, found.from, found.to, depth + 1, false)
      json.raw(']}')
      break
    case KVLIST:
      json.raw('{"kvlistValue":{"values":[')
      writeExactItems(json, reader, found.from, found.to, depth + 1, true)
      json.raw(']}')
      break
    case BYTES:
      json.raw('{"bytesValue":')
      json.base64(reader.bytes, found.from, found.to)
      break
    default:
      json.raw('{')
  }
  json.raw('}')
}

/** Writes a KeyValue in OTLP/JSON form. */
export function writeExactEntry(json: JsonWriter, reader: WireReader, entry: Found, depth = 0): void {
  json.raw('{"key":')
  json.string(reader.bytes, entry.keyFrom, entry.keyTo)
  json.raw(',"value":')
  writeExact(json, reader, entry, depth)
  json.raw('}')
}

/** Writes the attributes of a message, its fields with this tag, as an OTLP/JSON array of KeyValue. */
export function writeExactEntries(json: JsonWriter, reader: WireReader, from: number, to: number, tag: number): void {
  json.raw('[')
  writeExactItems(json, reader, from, to, 0, true, tag)
  json.raw(']')
}

function writeExactItems(
  json: JsonWriter,
  reader: WireReader,
  from: number,
  to: number,
  depth: number,
  entries: boolean,
  wanted = 0x0a,
): void {
  checkDepth(depth)
  const start = json.size
  const item = new Found()
  for (reader.at = from; reader.at < to; ) {
    const tag = reader.tag()
    if (tag !== wanted) {
      reader.skip(tag, to)
      continue
    }
    json.comma(start)
    const end = reader.lengthEnd(to)
    if (entries) {
      readKeyValue(reader, end, item)
      writeExactEntry(json, reader, item, depth)
    } else {
      readValue(reader, end, item)
      writeExact(json, reader, item, depth)
    }
    reader.at = end
  }
}

function checkDepth(depth: number): void {
  if (depth > MAX_DEPTH) throw new WireError(`values nested deeper than ${MAX_DEPTH}`)
}
