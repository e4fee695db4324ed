/** Exemplars of a data point (opentelemetry-proto `metrics.proto`) as a JSON array of OTLP/JSON objects. */
import type { JsonWriter } from './json_writer.ts'
import type { WireReader } from './wire.ts'
import { type PartWriter, writeArray } from './wire_array.ts'
import { writeExactEntries, writePlainObject } from './wire_json.ts'

const ATTRIBUTES = 0x3a

/**
 * Writes the exemplars, the fields with tag `wanted` of the message `from` to `to`. They are as OTLP/JSON has them but
 * for `filteredAttributes`: a plain object, or, where `exact`, an array of KeyValue.
 * @returns whether nothing was lost
 */
export function writeExemplars(
  json: JsonWriter,
  reader: WireReader,
  from: number,
  to: number,
  wanted: number,
  exact: boolean,
): boolean {
  return writeArray(json, exact ? writeExactExemplar : writePlainExemplar, reader, from, to, wanted)
}

const writePlainExemplar: PartWriter = (json, reader, end) => writeExemplar(json, reader, end, false)
const writeExactExemplar: PartWriter = (json, reader, end) => writeExemplar(json, reader, end, true)

function writeExemplar(json: JsonWriter, reader: WireReader, end: number, exact: boolean): boolean {
  const start = reader.at
  json.raw('{"filteredAttributes":')
  const complete = exact || writePlainObject(json, reader, start, end, ATTRIBUTES)
  if (exact) writeExactEntries(json, reader, start, end, ATTRIBUTES)
  for (reader.at = start; reader.at < end; ) {
    const tag = reader.tag()
    switch (tag) {
      case 0x11: // time_unix_nano = 2
        reader.fixed64()
        json.raw(',"timeUnixNano":"')
        json.uint64(reader.low, reader.high)
        json.raw('"')
        break
      case 0x19: // as_double = 3
        json.raw(',"asDouble":')
        json.double(reader.double())
        break
      case 0x31: // as_int = 6
        reader.fixed64()
        json.raw(',"asInt":"')
        json.int64(reader.low, reader.high)
        json.raw('"')
        break
      case 0x22: // span_id = 4
      case 0x2a: {
        // trace_id = 5
        const to = reader.lengthEnd(end)
        json.raw(tag === 0x22 ? ',"spanId":' : ',"traceId":')
        json.hex(reader.bytes, reader.at, to)
        reader.at = to
        break
      }
      default:
        reader.skip(tag, end)
    }
  }
  reader.expect(end)
  json.raw('}')
  return complete
}
