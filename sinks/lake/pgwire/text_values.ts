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
    case 'real':
      return (value) => (typeof value === 'number' ? doubleText(value) : value.toString())
    case 'interval':
      return (value) => String(value).replace(/\bmonth/g, 'mon')
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

/** float8out: the shortest digits that give the number back; an exponent from 10^15 on and below 10^-4. */
function doubleText(value: number): string {
  const size = Math.abs(value)
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  if (size >= 1e-4 && size < 1e15) return String(value)
  const [digits, exponent] = value.toExponential().split('e')
  const sign = exponent[0]
  return `${digits}e${sign}${exponent.slice(1).padStart(2, '0')}`
}

/** DuckDB writes a blob as text, what is not printable as `\xFF`. */
export function blobBytes(text: string): Buffer {
  const parts = text.split(/\\x([0-9A-Fa-f]{2})/)
  return Buffer.concat(parts.map((part, at) => Buffer.from(part, at % 2 === 0 ? 'utf8' : 'hex')))
}
