/** What the server says (PostgreSQL 18, chapter 54.7 "Message Formats"): each function makes one whole message. */
import type { QueryProblem } from '#schemas/query.ts'

export type TransactionStatus = 'I' | 'T' | 'E'

/** A column of a row description. */
export interface Field {
  readonly name: string
  readonly oid: number
  /** Bytes of a value, -1 where that varies. */
  readonly size: number
  readonly format: 0 | 1
}

const INT32_BYTES = 4
const NUL = Buffer.from([0])

function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, INT32_BYTES)
  return Buffer.concat([Buffer.from(type), int32(length), ...parts], length + 1)
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value | 0)
  return bytes
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

/** Ends with a NUL, so holds none. */
function cstring(text: string): Buffer {
  return Buffer.concat([Buffer.from(text.replaceAll('\0', '')), NUL])
}

export const authenticationOk = (): Buffer => message('R', int32(0))
export const authenticationSasl = (mechanism: string): Buffer => message('R', int32(10), cstring(mechanism), NUL)
export const authenticationSaslContinue = (data: string): Buffer => message('R', int32(11), Buffer.from(data))
export const authenticationSaslFinal = (data: string): Buffer => message('R', int32(12), Buffer.from(data))
export const backendKeyData = (id: number, secret: Buffer): Buffer => message('K', int32(id), secret)
export const parameterStatus = (name: string, value: string): Buffer => message('S', cstring(name), cstring(value))
export const readyForQuery = (status: TransactionStatus): Buffer => message('Z', Buffer.from(status))
export const commandComplete = (tag: string): Buffer => message('C', cstring(tag))
export const emptyQueryResponse = (): Buffer => message('I')
export const parseComplete = (): Buffer => message('1')
export const bindComplete = (): Buffer => message('2')
export const closeComplete = (): Buffer => message('3')
export const portalSuspended = (): Buffer => message('s')
export const noData = (): Buffer => message('n')

/** @param minor the newest minor version of protocol 3 we speak @param options those of the client we do not know */
export function negotiateProtocolVersion(minor: number, options: readonly string[]): Buffer {
  return message('v', int32(minor), int32(options.length), ...options.map(cstring))
}

export function parameterDescription(oids: readonly number[]): Buffer {
  return message('t', int16(oids.length), ...oids.map(int32))
}

export function rowDescription(fields: readonly Field[]): Buffer {
  const parts = fields.flatMap(({ name, oid, size, format }) => [
    cstring(name),
    // No table, no column of it, no type modifier.
    Buffer.concat([int32(0), int16(0), int32(oid), int16(size & 0xffff), int32(-1), int16(format)]),
  ])
  return message('T', int16(fields.length), ...parts)
}

/** @param values null is NULL, text goes as UTF-8 */
export function dataRow(values: readonly (string | Buffer | null)[]): Buffer {
  let length = INT32_BYTES + 2
  for (const value of values) length += INT32_BYTES + (value === null ? 0 : Buffer.byteLength(value))
  const bytes = Buffer.allocUnsafe(length + 1)
  bytes[0] = 0x44
  bytes.writeInt32BE(length, 1)
  bytes.writeUInt16BE(values.length, 5)
  let at = 7
  for (const value of values) {
    if (value === null) {
      bytes.writeInt32BE(-1, at)
      at += INT32_BYTES
      continue
    }
    const size = typeof value === 'string' ? bytes.write(value, at + INT32_BYTES) : value.copy(bytes, at + INT32_BYTES)
    bytes.writeInt32BE(size, at)
    at += INT32_BYTES + size
  }
  return bytes
}

/** FATAL ends the connection. The lines after the first of a message become its detail. */
export function errorResponse(problem: Omit<QueryProblem, 'fault'>, severity: 'ERROR' | 'FATAL' = 'ERROR'): Buffer {
  return message('E', ...report(problem, severity))
}

export function noticeResponse(code: string, text: string): Buffer {
  return message('N', ...report({ code, message: text }, 'WARNING'))
}

/** Chapter 54.8, "Error and Notice Message Fields". */
function report({ code, message: text, position }: Omit<QueryProblem, 'fault'>, severity: string): Buffer[] {
  const [first, ...rest] = text.split('\n')
  const fields = [`S${severity}`, `V${severity}`, `C${code}`, `M${first}`]
  if (rest.length > 0) fields.push(`D${rest.map((line) => line.trim()).join('\n')}`)
  if (position !== undefined) fields.push(`P${position}`)
  return [...fields.map(cstring), NUL]
}
