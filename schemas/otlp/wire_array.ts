/** A repeated message of the wire as a JSON array. */
import type { JsonWriter } from './json_writer.ts'
import type { WireReader } from './wire.ts'

/** Reads one part's message, which ends at `end`, and writes it; returns whether plain JSON says it all. */
export type PartWriter = (json: JsonWriter, reader: WireReader, end: number) => boolean

/**
 * Writes the fields with tag `wanted` of the message `from` to `to`, in their order, in the place of what `json` holds.
 * @returns whether plain JSON says it all
 */
export function writeArray(
  json: JsonWriter,
  part: PartWriter,
  reader: WireReader,
  from: number,
  to: number,
  wanted: number,
): boolean {
  let complete = true
  json.reset()
  json.raw('[')
  for (reader.at = from; reader.at < to; ) {
    const tag = reader.tag()
    if (tag !== wanted) {
      reader.skip(tag, to)
      continue
    }
    json.comma(1)
    const end = reader.lengthEnd(to)
    if (!part(json, reader, end)) complete = false
    reader.at = end
  }
  json.raw(']')
  return complete
}
