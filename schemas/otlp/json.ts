/**
 * OTLP/JSON to OTLP protobuf, byte by byte, so that everything downstream reads one format. The mapping is
 * ProtoJSON's (protobuf.dev/programming-guides/json) with OTLP's exceptions (opentelemetry.io/docs/specs/otlp,
 * "JSON Protobuf Encoding"): trace and span ids are hexadecimal, enums may be numbers. 64-bit integers keep every
 * digit, as text or as numbers. Names may be lowerCamelCase or as in the .proto files; unknown ones are skipped.
 */
import type { Signal } from '#pipeline/batch/batch.ts'
import { writeNumber } from './json_numbers.ts'
import { HEX_DIGITS, JsonScanner, NO_DIGIT } from './json_scanner.ts'
import { ANY_VALUE, EXPORT_REQUESTS, type Field, type Kind, MAX_VALUE_DEPTH, type Message } from './messages.ts'
import { ProtobufWriter } from './protobuf_writer.ts'

/**
 * Told where a string went: `at` is where its bytes begin in the result, `start` to `end` its place in the source,
 * without the quotes, escapes as they are.
 */
export type StringListener = (at: number, start: number, end: number) => void

/**
 * The Export…ServiceRequest this JSON says.
 * @throws MalformedError with its byte where it is no JSON, or a value is not of its field's type or range, or a
 *   member occurs twice
 */
export function transcodeJson(body: Uint8Array, signal: Signal, onString?: StringListener): Uint8Array {
  const transcoder = new Transcoder(body, onString)
  return transcoder.request(REQUESTS[signal])
}

const VARINT = 0
const FIXED64 = 1
const LENGTH_DELIMITED = 2
const FIXED32 = 5

interface Member {
  readonly name: Uint8Array
  readonly field: Field
  /** Field number and wire type, as on the wire; for repeated numbers, those of the packed form. */
  readonly tag: number
  /** One bit, by which a member seen twice is noticed. */
  readonly bit: number
  readonly shape: Shape | null
}

/** A message's members, found by their name's bytes. */
interface Shape {
  readonly isAnyValue: boolean
  /** By {@link nameHash}. */
  readonly buckets: Member[][]
}

const BUCKETS = 64

function nameHash(bytes: Uint8Array, start: number, end: number): number {
  return (end - start + bytes[start] * 5 + bytes[end - 1] * 3) % BUCKETS
}

function shapeOf(message: Message, known: Map<Message, Shape>): Shape {
  const done = known.get(message)
  if (done !== undefined) return done
  const shape: Shape = { isAnyValue: message === ANY_VALUE, buckets: Array.from({ length: BUCKETS }, () => []) }
  known.set(message, shape)
  message.fields.forEach((field, index) => {
    const nested = field.message === undefined ? null : shapeOf(field.message, known)
    const camel = field.name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    for (const text of new Set([camel, field.name])) {
      const name = Buffer.from(text)
      const member: Member = { name, field, tag: tagOf(field), bit: 1 << index, shape: nested }
      shape.buckets[nameHash(name, 0, name.length)].push(member)
    }
  })
  return shape
}

function tagOf({ number, kind, repeated }: Field): number {
  return (number << 3) | (repeated ? LENGTH_DELIMITED : wireType(kind))
}

function wireType(kind: Kind): number {
  switch (kind) {
    case 'string':
    case 'bytes':
    case 'hex':
    case 'message':
      return LENGTH_DELIMITED
    case 'fixed64':
    case 'sfixed64':
    case 'double':
      return FIXED64
    case 'fixed32':
      return FIXED32
    default:
      return VARINT
  }
}

const shapes = new Map<Message, Shape>()
const REQUESTS: Readonly<Record<Signal, Shape>> = {
  logs: shapeOf(EXPORT_REQUESTS.logs, shapes),
  traces: shapeOf(EXPORT_REQUESTS.traces, shapes),
  metrics: shapeOf(EXPORT_REQUESTS.metrics, shapes),
}

const BASE64 = /^(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)={0,2}$/

class Transcoder {
  readonly #scanner: JsonScanner
  readonly #writer: ProtobufWriter
  readonly #onString: StringListener | undefined

  constructor(body: Uint8Array, onString: StringListener | undefined) {
    this.#scanner = new JsonScanner(body)
    this.#writer = new ProtobufWriter(body.length + 64)
    this.#onString = onString
  }

  request(shape: Shape): Uint8Array {
    this.#message(shape, 0)
    if (this.#scanner.peek() !== -1) this.#scanner.fail('something after the end of the export')
    return this.#writer.finish()
  }

  /** @param depth of AnyValues around this message */
  #message(shape: Shape, depth: number): void {
    const scanner = this.#scanner
    const inner = shape.isAnyValue ? depth + 1 : depth
    if (inner > MAX_VALUE_DEPTH) scanner.fail(`values nested deeper than ${MAX_VALUE_DEPTH}`)
    let seen = 0
    scanner.members(() => {
      const member = this.#find(shape)
      if (member === null) {
        scanner.skip()
        return
      }
      if ((seen & member.bit) !== 0) scanner.fail(`${member.field.name} is there twice`, scanner.sourceStart)
      seen |= member.bit
      // ProtoJSON: null is the same as not being there.
      if (scanner.takeNull()) return
      if (member.field.repeated) this.#list(member, inner)
      else this.#single(member, inner)
    })
  }

  /** The member whose name is the token read last. */
  #find(shape: Shape): Member | null {
    const { text, start, end } = this.#scanner
    if (start === end) return null
    for (const member of shape.buckets[nameHash(text, start, end)]) {
      const { name } = member
      let at = 0
      if (name.length === end - start) while (at < name.length && name[at] === text[start + at]) at++
      if (at === name.length) return member
    }
    return null
  }

  #list(member: Member, depth: number): void {
    const { kind } = member.field
    if (kind === 'message' || kind === 'string') {
      this.#scanner.elements(() => this.#single(member, depth))
      return
    }
    this.#writer.varint32(member.tag)
    const begin = this.#writer.open()
    this.#scanner.elements(() => writeNumber(this.#scanner, this.#writer, member.field))
    this.#writer.close(begin)
  }

  #single(member: Member, depth: number): void {
    const writer = this.#writer
    const scanner = this.#scanner
    writer.varint32(member.tag)
    switch (member.field.kind) {
      case 'message': {
        const begin = writer.open()
        // A null in a list (of values, say) keeps its place.
        if (!scanner.takeNull()) this.#message(member.shape!, depth)
        writer.close(begin)
        return
      }
      case 'string': {
        scanner.string()
        const at = writer.delimited(scanner.text, scanner.start, scanner.end)
        this.#onString?.(at, scanner.sourceStart, scanner.sourceEnd)
        return
      }
      case 'hex':
        this.#hex(member.field)
        return
      case 'bytes':
        this.#base64(member.field)
        return
      default:
        writeNumber(scanner, writer, member.field)
    }
  }

  #hex(field: Field): void {
    const scanner = this.#scanner
    const writer = this.#writer
    scanner.string()
    const { text, start, end } = scanner
    if ((end - start) % 2 !== 0) scanner.fail(`${field.name} has half a byte of hexadecimal`, scanner.sourceStart)
    writer.varint32((end - start) / 2)
    for (let at = start; at < end; at += 2) {
      const high = HEX_DIGITS[text[at]]
      const low = HEX_DIGITS[text[at + 1]]
      if (high === NO_DIGIT || low === NO_DIGIT) scanner.fail(`${field.name} is not hexadecimal`, scanner.sourceStart)
      writer.byte(high * 16 + low)
    }
  }

  #base64(field: Field): void {
    const scanner = this.#scanner
    scanner.string()
    const text = scanner.latin1()
    if (!BASE64.test(text) || text.replaceAll('=', '').length % 4 === 1) {
      scanner.fail(`${field.name} is not base64`, scanner.sourceStart)
    }
    const bytes = Buffer.from(text, 'base64')
    this.#writer.delimited(bytes, 0, bytes.length)
  }
}
