/** Values in PostgreSQL's binary format: what each type's `_send` function writes. */
import type { QueryValue } from '#schemas/query.ts'
import { blobBytes } from './text_values.ts'
import { elementOf } from './types.ts'

type Present = Exclude<QueryValue, null>
type Encode = (value: Present) => Buffer

/** 2000-01-01, where PostgreSQL's time begins. */
export const EPOCH_MICROS = 946_684_800_000_000n
export const EPOCH_DAYS = 10_957
const DAY_MS = 86_400_000
const INT64_MAX = 2n ** 63n - 1n

/** @param elementOid of the type, or of the elements of a list @throws RangeError where there is none here */
export function binaryValue(type: string, elementOid: number): Encode {
  if (type.endsWith('[]')) {
    const element = binaryValue(elementOf(type), elementOid)
    return (value) => arrayBytes(value as readonly QueryValue[], elementOid, element)
  }
  const encode = ENCODERS.get(type)
  if (encode === undefined) throw new RangeError(`values of type ${type} have no binary format here: ask for text`)
  return encode
}

function sized(size: number, write: (bytes: Buffer, value: Present) => unknown): Encode {
  return (value) => {
    const bytes = Buffer.alloc(size)
    write(bytes, value)
    return bytes
  }
}

const text: Encode = (value) => Buffer.from(String(value))

const ENCODERS: ReadonlyMap<string, Encode> = new Map([
  ['boolean', sized(1, (bytes, value) => bytes.writeUInt8(value === true ? 1 : 0))],
  ['smallint', sized(2, (bytes, value) => bytes.writeInt16BE(Number(value)))],
  ['integer', sized(4, (bytes, value) => bytes.writeInt32BE(Number(value)))],
  ['uinteger', sized(4, (bytes, value) => bytes.writeUInt32BE(Number(value)))],
  ['bigint', sized(8, (bytes, value) => bytes.writeBigInt64BE(BigInt(value as string | number)))],
  ['real', sized(4, (bytes, value) => bytes.writeFloatBE(Number(value)))],
  ['double precision', sized(8, (bytes, value) => bytes.writeDoubleBE(Number(value)))],
  ['date', sized(4, (bytes, value) => bytes.writeInt32BE(dateDays(String(value))))],
  ['timestamptz', sized(8, (bytes, value) => bytes.writeBigInt64BE(timestampMicros(String(value))))],
  ['timestamp', sized(8, (bytes, value) => bytes.writeBigInt64BE(timestampMicros(String(value))))],
  ['uuid', (value) => Buffer.from(String(value).replaceAll('-', ''), 'hex')],
  ['blob', (value) => blobBytes(String(value))],
  ['numeric', (value) => numericBytes(String(value))],
  ['text', text],
  ['json', text],
])

/** array_send: one dimension, no empty array has any. */
function arrayBytes(values: readonly QueryValue[], elementOid: number, element: Encode): Buffer {
  const hasNull = values.includes(null) ? 1 : 0
  const head = [values.length === 0 ? 0 : 1, hasNull, elementOid, ...(values.length === 0 ? [] : [values.length, 1])]
  const parts = values.flatMap((value) => {
    if (value === null) return [int32(-1)]
    const bytes = element(value)
    return [int32(bytes.length), bytes]
  })
  return Buffer.concat([...head.map(int32), ...parts])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function dateDays(iso: string): number {
  if (iso === 'infinity') return 2 ** 31 - 1
  if (iso === '-infinity') return -(2 ** 31)
  return Math.round(Date.parse(`${iso}T00:00:00Z`) / DAY_MS) - EPOCH_DAYS
}

/** Of `2026-11-22T15:04:05.000123Z`, or without T and Z. */
function timestampMicros(iso: string): bigint {
  if (iso === 'infinity') return INT64_MAX
  if (iso === '-infinity') return -INT64_MAX - 1n
  const [, seconds, fraction = ''] = /^(.*?\d\d:\d\d:\d\d)(?:\.(\d+))?Z?$/.exec(iso) ?? ['', iso]
  const milliseconds = Date.parse(`${seconds.replace(' ', 'T')}Z`)
  return BigInt(milliseconds) * 1000n + BigInt(fraction.padEnd(6, '0')) - EPOCH_MICROS
}

/** numeric_send: digits to base 10,000, the first one's weight, the sign, the decimals shown. */
function numericBytes(decimal: string): Buffer {
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(decimal)!
  const left = whole.padStart(Math.ceil(whole.length / 4) * 4, '0')
  const digits = (left + fraction.padEnd(Math.ceil(fraction.length / 4) * 4, '0')).match(/\d{4}/g)!.map(Number)
  let weight = left.length / 4 - 1
  while (digits[0] === 0) {
    digits.shift()
    weight--
  }
  while (digits.at(-1) === 0) digits.pop()
  const words = [digits.length, digits.length === 0 ? 0 : weight, sign === '' ? 0 : 0x4000, fraction.length, ...digits]
  const bytes = Buffer.alloc(words.length * 2)
  for (const [at, word] of words.entries()) bytes.writeUInt16BE(word & 0xffff, at * 2)
  return bytes
}
