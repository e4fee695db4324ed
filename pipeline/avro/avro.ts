/** Avro values with Confluent framing (0, schema id as int32 big-endian, value). The only file that knows avsc. */
import { readFileSync } from 'node:fs'
import avro from 'avsc'

const FRAME_BYTES = 5

export interface AvroType<T> {
  /** The schema as JSON text. */
  readonly schema: string
  /**
   * The framed value.
   * @param sizeHint bytes it will take at most, as far as known; a wrong hint costs a second try, nothing else
   * @throws Error where the value does not fit the schema, naming the field; a long beyond 2^53 does not
   */
  encode(value: T, schemaId: number, sizeHint: number): Uint8Array
  /**
   * Bytes fields are copies. A value written before the schema's last fields were added has their defaults.
   * @throws RangeError where the bytes are not a framed value of this schema
   */
  decode(framed: Uint8Array): T
}

/** @param file an Avro schema, `new URL('./avro/x.avsc', import.meta.url)` */
export function avroType<T>(file: URL): AvroType<T> {
  const schema = JSON.parse(readFileSync(file, 'utf8'))
  const type = avro.Type.forSchema(schema)
  const older = olderTypes(schema)
  return {
    schema: JSON.stringify(schema),
    encode(value, schemaId, sizeHint) {
      let buffer = Buffer.allocUnsafeSlow(FRAME_BYTES + sizeHint)
      let end = type.encode(value, buffer, FRAME_BYTES)
      if (end < 0) {
        buffer = Buffer.allocUnsafeSlow(buffer.length - end)
        end = type.encode(value, buffer, FRAME_BYTES)
      }
      buffer[0] = 0
      buffer.writeInt32BE(schemaId, 1)
      return buffer.subarray(0, end)
    },
    decode(framed) {
      const buffer = Buffer.from(framed.buffer, framed.byteOffset, framed.length)
      if (buffer.length < FRAME_BYTES || buffer[0] !== 0) {
        throw new RangeError('not a framed Avro value: the first byte is not 0')
      }
      const value = buffer.subarray(FRAME_BYTES)
      try {
        return type.fromBuffer(value) as T
      } catch (cause) {
        for (const { type, defaults } of older) {
          try {
            return { ...type.fromBuffer(value), ...defaults } as T
          } catch {}
        }
        throw new RangeError(`not a value of the schema: ${(cause as Error).message}`, { cause })
      }
    },
  }
}

interface OlderType {
  readonly type: avro.Type
  /** Of the fields it does not have. */
  readonly defaults: Readonly<Record<string, unknown>>
}

/**
 * The schema without its last fields, for as long as these have a default: the shapes values may have been written in.
 * Bytes of one shape are never a value of another: that would end too early, or leave bytes over.
 */
function olderTypes(schema: avro.schema.RecordType): OlderType[] {
  const older: OlderType[] = []
  const defaults: Record<string, unknown> = {}
  for (let count = schema.fields.length - 1; count > 0 && schema.fields[count].default !== undefined; count--) {
    defaults[schema.fields[count].name] = schema.fields[count].default
    const type = avro.Type.forSchema({ ...schema, fields: schema.fields.slice(0, count) })
    older.push({ type, defaults: { ...defaults } })
  }
  return older
}
