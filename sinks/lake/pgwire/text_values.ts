/** Values in PostgreSQL's text format. */
import type { QueryValue } from '#schemas/query.ts'
import { elementOf } from './types.ts'

type Present = Exclude<QueryValue, null>

/** How values of a type are written as text: what its `_out` function gives. */
export function textValue(type: string): (value: Present) => string {
  if (type.endsWith('[]')) {
    const element = textValue(elementOf(type))
    return (value) => arrayText(value as readonly QueryValue[], element)
  }
  switch (type) {
    case 'boolean':
      return (value) => (value === true ? 't' : 'f')
    case 'timestamptz':
      return (value) => timestampText(String(value))
    case 'double precision':
      return (value) => (typeof value === 'number' ? floatText(value, String(value), 1e15) : value.toString())
    case 'real':
      return (value) => (typeof value === 'number' ? floatText(value, singleDigits(value), 1e6) : value.toString())
    case 'interval':
      return (value) => intervalText(String(value))
    case 'blob':
      return (value) => `\\x${blobBytes(String(value)).toString('hex')}`
    default:
      return (value) => String(value)
  }
}

/** array_out: an element is in quotes where it would be read as something else. */
function arrayText(values: readonly QueryValue[], element: (value: Present) => string): string {
  const items = values.map((value) => {
    if (value === null) return 'NULL'
    if (typeof value === 'object') return arrayText(value, element)
    const text = element(value)
    return /^$|^null$|[{}",\\\s]/i.test(text) ? `"${text.replaceAll(/["\\]/g, '\\$&')}"` : text
  })
  return `{${items.join(',')}}`
}

/** `2026-11-22T16:11:01.766000Z` → `2026-11-22 16:11:01.766+00`; infinities stay. */
function timestampText(iso: string): string {
  const match = /^([+-]\d{6}|\d{4})(-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.(\d{6})Z$/.exec(iso)
  if (match === null) return iso
  const [, year, day, time, micros] = match
  const fraction = micros.replace(/0+$/, '')
  // Year 0 is 1 BC.
  const number = Number(year)
  const shown = String(number > 0 ? number : 1 - number).padStart(4, '0')
  return `${shown}${day} ${time}${fraction === '' ? '' : `.${fraction}`}+00${number > 0 ? '' : ' BC'}`
}

/**
 * float8out and float4out: the shortest digits that give the number back, with an exponent for large and small ones.
 * @param digits the number, shortest @param large from here on there is an exponent
 */
function floatText(value: number, digits: string, large: number): string {
  const size = Math.abs(value)
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  if (size >= 1e-4 && size < large) return digits
  const [mantissa, exponent] = Number(digits).toExponential().split('e')
  return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
}

/** The shortest digits of a single precision number: nine always do. */
function singleDigits(value: number): string {
  for (let precision = 1; precision < 9; precision++) {
    const digits = Number(value.toPrecision(precision))
    if (Math.fround(digits) === value) return String(digits)
  }
  return String(Number(value.toPrecision(9)))
}

/** interval_out of DuckDB's words: `2 months -1 day 04:05:06` → `2 mons -1 days +04:05:06`. */
function intervalText(words: string): string {
  let isAfterNegative = false
  return words
    .replaceAll('month', 'mon')
    .replaceAll(/(-?)([\d:.]+)( [a-z]+)?/g, (_, sign: string, number: string, unit: string | undefined) => {
      const plus = isAfterNegative && sign === '' ? '+' : ''
      isAfterNegative = sign !== ''
      const plural = sign !== '' && number === '1' && unit !== undefined ? 's' : ''
      return `${plus}${sign}${number}${unit ?? ''}${plural}`
    })
}

/** DuckDB writes a blob as text, what is not printable as `\xFF`. */
export function blobBytes(text: string): Buffer {
  const parts = text.split(/\\x([0-9A-Fa-f]{2})/)
  return Buffer.concat(parts.map((part, at) => Buffer.from(part, at % 2 === 0 ? 'utf8' : 'hex')))
}
