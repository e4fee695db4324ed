/** Values written in a filter, read as the type of what they are compared with. */
import type { SqlType } from '../tables/tables.ts'
import { FilterError, type Literal } from './filter.ts'
import { parseDate, parseTimestamp } from './time.ts'
import type { Token } from './tokens.ts'

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

const WANTED: Partial<Record<SqlType, string>> = {
  text: "text in single quotes, like 'ERROR'",
  integer: 'a whole number',
  bigint: 'a whole number',
  'double precision': 'a number',
  boolean: 'true or false',
  timestamptz: "a time like '2026-11-22T10:00:00Z'",
  date: "a day like '2026-11-22'",
}

/** @param what the operand as written, for messages @throws FilterError where the token is no value of the type */
export function readLiteral(token: Token, type: SqlType, what: string): Literal {
  const literal = literalOf(token, type)
  if (literal !== null) return literal
  if (token.kind === 'word' && /^null$/i.test(token.value)) {
    throw new FilterError(`nothing is equal to NULL: write ${what} IS NULL`, token.position)
  }
  throw new FilterError(`${what} is ${type}: expected ${WANTED[type]}, not ${token.source}`, token.position)
}

function literalOf({ kind, value }: Token, type: SqlType): Literal | null {
  switch (type) {
    case 'text':
      return kind === 'text' ? { type: 'text', value } : null
    case 'integer':
    case 'bigint':
      return kind === 'number' ? wholeNumber(value) : null
    case 'double precision':
      return kind === 'number' && Number.isFinite(Number(value)) ? { type: 'double', value: Number(value) } : null
    case 'boolean':
      return kind === 'word' && /^(true|false)$/i.test(value) ? { type, value: /^true$/i.test(value) } : null
    case 'timestamptz': {
      const micros = kind === 'text' ? parseTimestamp(value) : null
      return micros === null ? null : { type, value: micros }
    }
    case 'date': {
      const days = kind === 'text' ? parseDate(value) : null
      return days === null ? null : { type, value: BigInt(days) }
    }
    default:
      return null
  }
}

function wholeNumber(text: string): Literal | null {
  if (!/^[+-]?\d+$/.test(text)) return null
  const value = BigInt(text.replace('+', ''))
  return value >= INT64_MIN && value <= INT64_MAX ? { type: 'long', value } : null
}
