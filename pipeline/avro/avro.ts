/** Avro values with Confluent framing (0, schema id as int32 big-endian, value). The only file that knows avsc. */
import { readFileSync } from 'node:fs'
import avro from 'avsc'

export const FRAME_BYTES = 5

export interface AvroType<T> {
  /** The schema as JSON text. */
  readonly schema: string
  /**
   * The framed value.
   * @param sizeHint bytes it will take at most, as far as known; a wrong hint costs a second try, nothing else
   * @throws Error where the value does not fit the schema, naming the field; a long beyond 2^53 does not
   */
  encode(value: T, schemaId: number, sizeHint: number): Uint8Array
  /** Bytes fields are copies. @throws RangeError where the bytes are not a framed value of this schema */
  decode(framed: Uint8Array): T
}

/** @param file an Avro schema, `new URL('./avro/x.avsc', import.meta.url)` */
export function avroType<T>(file: URL): AvroType<T> {
  const schema = JSON.parse(readFileSync(file, 'utf8'))
  const type = avro.Type.forSchema(schema)
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
      try {
        return type.fromBuffer(buffer.subarray(FRAME_BYTES)) as T
      } catch (cause) {
        throw new RangeError(`not a value of the schema: ${(cause as Error).message}`, { cause })
      }
    },
  }
}

/** The id of the schema a framed value was written with. @throws RangeError where it is not framed */
export function schemaIdOf(framed: Uint8Array): number {
  if (framed.length < FRAME_BYTES || framed[0] !== 0) throw new RangeError('not a framed Avro value')
  return Buffer.from(framed.buffer, framed.byteOffset, FRAME_BYTES).readInt32BE(1)
}
