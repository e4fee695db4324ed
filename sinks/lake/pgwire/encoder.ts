/** How the values of a column are sent. */
import type { QueryValue } from '#schemas/query.ts'
import { binaryValue } from './binary_values.ts'
import { textValue } from './text_values.ts'
import { elementOf, pgType, widened } from './types.ts'

export type Encoder = (value: QueryValue) => string | Buffer | null

/** @param format 0 text, 1 binary @throws RangeError where the type has no binary format here */
export function encoder(type: string, format: 0 | 1): Encoder {
  const encode = format === 1 ? binaryValue(widened(type), pgType(elementOf(type)).oid) : textValue(type)
  return (value) => (value === null ? null : encode(value))
}
