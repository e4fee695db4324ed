/** Values of parameters as clients send them, as the text the query port takes (arrays as JSON). */
import { QueryError, userError } from '#schemas/query.ts'
import { EPOCH_DAYS, EPOCH_MICROS } from './binary_values.ts'
import { Fields, utf8 } from './frontend_messages.ts'
import { elementOf } from './types.ts'

const DAY_MS = 86_400_000

/**
 * @param place `$1` is 1, for the error
 * @throws QueryError 22P02 where an array is not one, 22P03 where binary bytes are not of the type, 0A000 where it has none
 */
export function decodeParameter(bytes: Buffer, type: string, format: number, place: number): string {
  if (format === 0) {
    const text = utf8(bytes)
    if (type === 'boolean') return booleanText(text)
    return type.endsWith('[]') ? JSON.stringify(parseArray(text, place)) : text
  }
  const fields = new Fields(bytes)
  try {
    const text = type.endsWith('[]') ? JSON.stringify(binaryArray(fields, elementOf(type))) : binaryText(fields, type)
    if (fields.left === 0) return text
  } catch (cause) {
    if (cause instanceof QueryError) throw cause
  }
  throw userError('22P03', `$${place} is no ${type} in binary format`)
}

/** What PostgreSQL takes for a boolean and DuckDB does not. */
function booleanText(text: string): string {
  if (/^\s*(on|yes|y)\s*$/i.test(text)) return 'true'
  return /^\s*(off|no|n)\s*$/i.test(text) ? 'false' : text
}

function binaryText(fields: Fields, type: string): string {
  switch (type) {
    case 'boolean':
      return fields.bytes(1).readUInt8() === 0 ? 'false' : 'true'
    case 'smallint':
      return String(fields.int16())
    case 'integer':
      return String(fields.int32())
    case 'uinteger':
      return String(fields.uint32())
    case 'bigint':
      // Drivers send a smaller integer where they know no better.
      return String(fields.left === 4 ? fields.int32() : fields.left === 2 ? fields.int16() : int64(fields))
    case 'real':
      return String(fields.bytes(4).readFloatBE())
    case 'double precision':
      return String(fields.bytes(8).readDoubleBE())
    case 'text':
      return utf8(fields.rest())
    case 'json': {
      // jsonb begins with its version.
      const bytes = fields.rest()
      return utf8(bytes[0] === 1 ? bytes.subarray(1) : bytes)
    }
    case 'uuid': {
      const hex = fields.bytes(16).toString('hex')
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    }
    case 'date':
      return new Date((fields.int32() + EPOCH_DAYS) * DAY_MS).toISOString().slice(0, 10)
    case 'timestamptz':
    case 'timestamp': {
      const micros = int64(fields) + EPOCH_MICROS
      const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n
      const seconds = new Date(Number((micros - fraction) / 1000n)).toISOString().slice(0, 19)
      return `${seconds}.${String(fraction).padStart(6, '0')}${type === 'timestamp' ? '' : 'Z'}`
    }
    default:
      throw userError('0A000', `a value of type ${type} cannot be sent in binary format: send text`)
  }
}

function int64(fields: Fields): bigint {
  return fields.bytes(8).readBigInt64BE()
}

/** array_recv, one dimension. */
function binaryArray(fields: Fields, element: string): (string | null)[] {
  const dimensions = fields.int32()
  fields.int32()
  fields.uint32()
  if (dimensions === 0) return []
  if (dimensions !== 1) throw userError('0A000', 'an array has one dimension')
  const count = fields.int32()
  fields.int32()
  const items: (string | null)[] = []
  while (items.length < count) {
    const bytes = fields.value()
    items.push(bytes === null ? null : binaryText(new Fields(bytes), element))
  }
  return items
}

/** `{a,"b c",NULL}` (array_in, one dimension). @throws QueryError 22P02 */
export function parseArray(text: string, place: number): (string | null)[] {
  const trimmed = text.trim()
  const inner = trimmed.slice(1, -1)
  const items: (string | null)[] = []
  const wrong = () => userError('22P02', `$${place} is no array: ${JSON.stringify(text.slice(0, 100))}`)
  if (trimmed.length < 2 || trimmed[0] !== '{' || !trimmed.endsWith('}')) throw wrong()
  if (inner.trim() === '') return items
  let item = ''
  let isQuoted = false
  let inQuotes = false
  const finish = () => {
    const bare = isQuoted ? item : item.trim()
    if (bare === '' && !isQuoted) throw wrong()
    items.push(!isQuoted && bare.toUpperCase() === 'NULL' ? null : bare)
    item = ''
    isQuoted = false
  }
  for (let at = 0; at < inner.length; at++) {
    const character = inner[at]
    if (character === '\\') item += inner[++at] ?? ''
    else if (character === '"') {
      if (!inQuotes && (isQuoted || item.trim() !== '')) throw wrong()
      if (!inQuotes) item = ''
      inQuotes = !inQuotes
      isQuoted = true
    } else if (inQuotes) item += character
    else if (character === ',') finish()
    else if (character === '{' || character === '}') throw wrong()
    else if (!isQuoted) item += character
    else if (character.trim() !== '') throw wrong()
  }
  if (inQuotes) throw wrong()
  finish()
  return items
}
