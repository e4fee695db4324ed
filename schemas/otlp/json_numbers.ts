/** The numbers of ProtoJSON: as JSON numbers or as strings, 64-bit ones without losing a digit. */
import type { JsonScanner } from './json_scanner.ts'
import type { Field } from './messages.ts'
import type { ProtobufWriter } from './protobuf_writer.ts'

const TWO_32 = 2 ** 32
const TWO_31 = 2 ** 31
const NON_FINITE = new Set(['NaN', 'Infinity', '-Infinity'])

/**
 * Takes a boolean, an enum or a number and writes it, without its tag.
 * @throws MalformedError where it is none, or out of the field's range
 */
export function writeNumber(scanner: JsonScanner, writer: ProtobufWriter, field: Field): void {
  switch (field.kind) {
    case 'bool':
      writer.byte(scanner.boolean() ? 1 : 0)
      return
    case 'double':
      writer.double(readDouble(scanner, field))
      return
    case 'enum': {
      const name = enumNumber(scanner, field)
      if (name !== null) {
        writer.varint32(name)
        return
      }
      break
    }
    default:
      scanner.scalar()
  }
  readInteger(scanner, field)
  const { low, high, negative } = integer
  switch (field.kind) {
    case 'uint32':
      if (negative || high !== 0) outOfRange(scanner, field)
      writer.varint32(low)
      return
    case 'fixed32':
      if (negative || high !== 0) outOfRange(scanner, field)
      writer.fixed32(low)
      return
    case 'sint32': {
      if (high !== 0 || low > TWO_31 - (negative ? 0 : 1)) outOfRange(scanner, field)
      // Zigzag: 0, -1, 1, -2 … become 0, 1, 2, 3 …
      writer.varint32(negative ? low * 2 - 1 : low * 2)
      return
    }
    case 'uint64':
      if (negative) outOfRange(scanner, field)
      writer.varint64(low, high)
      return
    case 'fixed64':
      if (negative) outOfRange(scanner, field)
      writer.fixed64(low, high)
      return
    case 'enum':
      if (high !== 0 || low > TWO_31 - (negative ? 0 : 1)) outOfRange(scanner, field)
      break
    default:
      if (high > TWO_31 || (high === TWO_31 && (!negative || low > 0))) {
        outOfRange(scanner, field)
      }
  }
  if (negative) negate()
  if (field.kind === 'sfixed64') writer.fixed64(integer.low, integer.high)
  else writer.varint64(integer.low, integer.high)
}

/** The integer read last, sign and magnitude: one object, used again and again. */
const integer = { low: 0, high: 0, negative: false }

/** To two's complement. */
function negate(): void {
  integer.low = (TWO_32 - integer.low) % TWO_32
  integer.high = (TWO_32 - integer.high - (integer.low === 0 ? 0 : 1)) % TWO_32
}

/** Reads the token read last into {@link integer}: digits by arithmetic, `1e3` and `1.0` by way of a number. */
function readInteger(scanner: JsonScanner, field: Field): void {
  const { text, end } = scanner
  let at = scanner.start
  const negative = text[at] === 0x2d
  if (negative) at++
  let low = 0
  let high = 0
  const first = at
  for (; at < end; at++) {
    const digit = text[at] - 0x30
    if (digit < 0 || digit > 9) break
    const product = low * 10 + digit
    low = product % TWO_32
    high = high * 10 + (product - low) / TWO_32
    if (high >= TWO_32) outOfRange(scanner, field)
  }
  if (at === end && at > first && (text[first] !== 0x30 || at === first + 1)) {
    integer.low = low
    integer.high = high
    integer.negative = negative && (low !== 0 || high !== 0)
    return
  }
  const value = Number(scanner.number())
  if (!Number.isSafeInteger(value)) {
    scanner.fail(`${field.name}: ${scanner.latin1().slice(0, 40)} is not an exact integer`, scanner.sourceStart)
  }
  integer.negative = value < 0
  integer.low = Math.abs(value) % TWO_32
  integer.high = Math.floor(Math.abs(value) / TWO_32)
}

function readDouble(scanner: JsonScanner, field: Field): number {
  const quoted = scanner.scalar()
  if (quoted) {
    const text = scanner.latin1()
    if (NON_FINITE.has(text)) return Number(text)
  }
  const value = Number(scanner.number())
  if (!Number.isFinite(value)) outOfRange(scanner, field)
  return value
}

/** The number of an enum's name; `null` where the token, now read, is a number itself. */
function enumNumber(scanner: JsonScanner, field: Field): number | null {
  if (!scanner.scalar()) return null
  const text = scanner.latin1()
  const value = field.names?.get(text)
  if (value === undefined && !/^-?\d+$/.test(text)) {
    scanner.fail(`${field.name}: no value is named ${JSON.stringify(text.slice(0, 60))}`, scanner.sourceStart)
  }
  return value ?? null
}

function outOfRange(scanner: JsonScanner, field: Field): never {
  scanner.fail(
    `${field.name}: ${scanner.latin1().slice(0, 40)} is out of the range of ${field.kind}`,
    scanner.sourceStart,
  )
}
