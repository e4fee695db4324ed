/** What clients say (PostgreSQL 18, chapter 54.7 "Message Formats"). */
import type { ByteReader } from './byte_reader.ts'

/** The client does not speak the protocol: it is told so, and the connection ends. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: string
  constructor(message: string, code = '08P01') {
    super(message)
    this.code = code
  }
}

export type FrontendMessage =
  | { readonly type: 'query'; readonly sql: string }
  | { readonly type: 'parse'; readonly name: string; readonly sql: string; readonly parameterOids: readonly number[] }
  | BindMessage
  | { readonly type: 'describe' | 'close'; readonly what: 'statement' | 'portal'; readonly name: string }
  | { readonly type: 'execute'; readonly portal: string; readonly maxRows: number }
  | { readonly type: 'sync' | 'flush' | 'terminate' | 'copy' }
  | { readonly type: 'password'; readonly data: Buffer }

export interface BindMessage {
  readonly type: 'bind'
  readonly portal: string
  readonly statement: string
  readonly parameterFormats: readonly number[]
  readonly parameters: readonly (Buffer | null)[]
  readonly resultFormats: readonly number[]
}

const HEADER_BYTES = 5

/** @returns null where the client has gone without a word @throws ProtocolError */
export async function readMessage(reader: ByteReader, maxBytes: number): Promise<FrontendMessage | null> {
  const header = await reader.read(HEADER_BYTES)
  if (header === null) return null
  const length = header.readInt32BE(1) - 4
  if (length < 0 || length > maxBytes) {
    throw new ProtocolError(`a message has at most ${maxBytes} bytes; this one would have ${length}`)
  }
  const body = await reader.read(length)
  return body === null ? null : parseMessage(String.fromCharCode(header[0]), body)
}

/** @throws ProtocolError where the body is not what its type says */
export function parseMessage(type: string, body: Buffer): FrontendMessage {
  const fields = new Fields(body)
  const parsed = parseFields(type, fields)
  fields.end(type)
  return parsed
}

function parseFields(type: string, fields: Fields): FrontendMessage {
  switch (type) {
    case 'Q':
      return { type: 'query', sql: fields.cstring() }
    case 'P': {
      const [name, sql] = [fields.cstring(), fields.cstring()]
      return { type: 'parse', name, sql, parameterOids: fields.list(() => fields.uint32()) }
    }
    case 'B':
      return {
        type: 'bind',
        portal: fields.cstring(),
        statement: fields.cstring(),
        parameterFormats: fields.list(() => fields.format()),
        parameters: fields.list(() => fields.value()),
        resultFormats: fields.list(() => fields.format()),
      }
    case 'D':
    case 'C':
      return { type: type === 'D' ? 'describe' : 'close', what: fields.what(), name: fields.cstring() }
    case 'E':
      return { type: 'execute', portal: fields.cstring(), maxRows: fields.int32() }
    case 'S':
      return { type: 'sync' }
    case 'H':
      return { type: 'flush' }
    case 'X':
      return { type: 'terminate' }
    case 'p':
      return { type: 'password', data: fields.rest() }
    case 'd':
    case 'c':
    case 'f':
      // What is left of a COPY that failed: PostgreSQL ignores it, too.
      fields.rest()
      return { type: 'copy' }
    default:
      throw new ProtocolError(`there is no message of type ${JSON.stringify(type)}`)
  }
}

/** The fields of a message's body, one after the other. */
export class Fields {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  /** @throws ProtocolError where it is not UTF-8 */
  cstring(): string {
    const end = this.#bytes.indexOf(0, this.#at)
    if (end < 0) throw new ProtocolError('a string of the message does not end')
    const bytes = this.#bytes.subarray(this.#at, end)
    this.#at = end + 1
    return utf8(bytes)
  }

  int16(): number {
    return this.bytes(2).readInt16BE()
  }

  int32(): number {
    return this.bytes(4).readInt32BE()
  }

  uint32(): number {
    return this.bytes(4).readUInt32BE()
  }

  list<T>(item: () => T): T[] {
    return Array.from({ length: this.bytes(2).readUInt16BE() }, item)
  }

  format(): number {
    const format = this.int16()
    if (format !== 0 && format !== 1) throw new ProtocolError(`there is no format ${format}`)
    return format
  }

  value(): Buffer | null {
    const length = this.int32()
    return length === -1 ? null : this.bytes(length)
  }

  what(): 'statement' | 'portal' {
    const letter = String.fromCharCode(this.bytes(1)[0])
    if (letter !== 'S' && letter !== 'P') throw new ProtocolError(`${JSON.stringify(letter)} is neither S nor P`)
    return letter === 'S' ? 'statement' : 'portal'
  }

  rest(): Buffer {
    return this.bytes(this.left)
  }

  end(type: string): void {
    if (this.left > 0) throw new ProtocolError(`a message of type ${JSON.stringify(type)} is too long`)
  }

  /** @throws ProtocolError where so many are not left */
  bytes(count: number): Buffer {
    if (count < 0 || count > this.left) throw new ProtocolError('the message ends too early')
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws ProtocolError with SQLSTATE 22021 */
export function utf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw new ProtocolError('text is not valid UTF-8', '22021')
  }
}
