/**
 * API keys in resources. Where a client can set no header, a resource attribute `x-api-key` holds the key; it is found
 * in a checked body, masked before the body is stored, and may differ from resource to resource.
 */
import { MalformedError } from './messages.ts'
import { LENGTH_DELIMITED, ProtobufReader } from './protobuf_reader.ts'

/** Bytes `start` to `end` (exclusive) of a body. */
export interface Range {
  readonly start: number
  readonly end: number
}

const KEY_ATTRIBUTE = Buffer.from('x-api-key')
const MASK = '*'.charCodeAt(0)

/**
 * Looks whether the KeyValue in `[at, end)`, already checked, is `x-api-key`.
 * @returns where its value's bytes are, `null` for another attribute
 * @throws MalformedError where it is `x-api-key` and not exactly one string: what we do not understand we cannot mask
 */
export function readKeyAttribute(reader: ProtobufReader, at: number, end: number): Range | null {
  const { bytes } = reader
  let named = false
  const values: Range[] = []
  for (const [number, field] of lengthDelimited(reader, at, end)) {
    if (number === 1) named = named || isKeyAttribute(bytes, field)
    else if (number === 2) values.push(field)
  }
  if (!named) return null
  const [value] = values
  if (values.length === 1 && value.start < value.end && bytes[value.start] === STRING_VALUE_TAG) {
    const length = reader.varint32(value.start + 1, value.end)
    if (reader.at + length === value.end) return { start: reader.at, end: value.end }
  }
  throw new MalformedError('the resource attribute x-api-key is not one string', at)
}

const STRING_VALUE_TAG = (1 << 3) | LENGTH_DELIMITED

function isKeyAttribute(bytes: Uint8Array, { start, end }: Range): boolean {
  return end - start === KEY_ATTRIBUTE.length && KEY_ATTRIBUTE.equals(bytes.subarray(start, end))
}

/** The length-delimited fields of a checked message. */
function* lengthDelimited(reader: ProtobufReader, at: number, end: number): Generator<[number: number, field: Range]> {
  while (at < end) {
    const tag = reader.varint32(at, end)
    const value = reader.at
    at = reader.skip(tag & 7, value, end)
    if ((tag & 7) !== LENGTH_DELIMITED) continue
    reader.varint32(value, end)
    yield [tag >>> 3, { start: reader.at, end: at }]
  }
}

/** The body with these ranges overwritten by `*`: a copy, of the same length. */
export function mask(body: Uint8Array, ranges: readonly Range[]): Uint8Array {
  const masked = new Uint8Array(body)
  for (const { start, end } of ranges) masked.fill(MASK, start, end)
  return masked
}

/**
 * Splits an export by what each of its resources belongs to.
 * @param body an Export…ServiceRequest that `inspect` has passed
 * @param owners one for each resource, in order
 * @returns an Export…ServiceRequest for each owner, resources in their order
 */
export function splitByResource(body: Uint8Array, owners: readonly string[]): Map<string, Uint8Array> {
  const reader = new ProtobufReader(body)
  const pieces = new Map<string, Uint8Array[]>()
  let resource = 0
  for (let at = 0; at < body.length; ) {
    const tag = reader.varint32(at, body.length)
    const end = reader.skip(tag & 7, reader.at, body.length)
    if (tag === RESOURCE_GROUP_TAG) {
      const owner = owners[resource++]
      const list = pieces.get(owner)
      if (list === undefined) pieces.set(owner, [body.subarray(at, end)])
      else list.push(body.subarray(at, end))
    }
    at = end
  }
  return new Map([...pieces].map(([owner, list]) => [owner, Buffer.concat(list)]))
}

/** `resource_logs`, `resource_spans` and `resource_metrics` are all field 1. */
const RESOURCE_GROUP_TAG = (1 << 3) | LENGTH_DELIMITED
