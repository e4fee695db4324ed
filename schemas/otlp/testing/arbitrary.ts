/** Random OTLP exports as OTLP/JSON objects, made from the table of messages: every field of every message occurs. */
import fc from 'fast-check'
import type { Signal } from '#pipeline/batch/batch.ts'
import { ANY_VALUE, EXPORT_REQUESTS, type Field, METRIC, type Message } from '../messages.ts'

export type JsonObject = Record<string, unknown>

const UINT64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String)
const INT64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)
/** -0 is left out: whether it is the default is something encoders disagree about. */
const DOUBLE = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  fc.constantFrom('NaN', 'Infinity', '-Infinity'),
)

/** An export with at most `maxItems` in each list and values nested at most `maxDepth` deep. */
export function exportOf(signal: Signal, { maxItems = 3, maxDepth = 3 } = {}): fc.Arbitrary<JsonObject> {
  return messageOf(EXPORT_REQUESTS[signal], maxItems, maxDepth)
}

export function camelCase(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

function messageOf(message: Message, maxItems: number, depth: number): fc.Arbitrary<JsonObject> {
  const fields = message.fields.filter((field) => depth > 0 || !isNesting(field))
  const arbitraries = fields.map((field) => [camelCase(field.name), fieldOf(field, maxItems, depth)] as const)
  const all = fc.record(Object.fromEntries(arbitraries), { requiredKeys: [] }) as fc.Arbitrary<JsonObject>
  if (message === ANY_VALUE) return all.map((value) => keepOne(value, Object.keys(value)))
  if (message === METRIC) return all.map((metric) => keepOne(metric, DATA_NAMES))
  return all.map(dropClashes)
}

const DATA_NAMES = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary']

function isNesting(field: Field): boolean {
  return field.name === 'array_value' || field.name === 'kvlist_value'
}

/** Of the members of a oneof only the first that is there. */
function keepOne(object: JsonObject, names: readonly string[]): JsonObject {
  const there = names.filter((name) => name in object)
  return Object.fromEntries(Object.entries(object).filter(([name]) => !there.includes(name) || name === there[0]))
}

function dropClashes(object: JsonObject): JsonObject {
  return 'asInt' in object ? keepOne(object, ['asInt', 'asDouble']) : object
}

function fieldOf(field: Field, maxItems: number, depth: number): fc.Arbitrary<unknown> {
  const one = valueFor(field, maxItems, depth)
  return field.repeated ? fc.array(one, { maxLength: maxItems }) : one
}

function valueFor(field: Field, maxItems: number, depth: number): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case 'message':
      return messageOf(field.message!, maxItems, isNesting(field) ? depth - 1 : depth)
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 12 })
    case 'hex':
      return fc.constantFrom('', '0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331')
    case 'bytes':
      return fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes).toString('base64'))
    case 'bool':
      return fc.boolean()
    case 'enum':
      return fc.integer({ min: 0, max: field.names!.size - 1 })
    case 'uint32':
    case 'fixed32':
      return fc.integer({ min: 0, max: 2 ** 32 - 1 })
    case 'sint32':
      return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
    case 'double':
      return DOUBLE
    case 'uint64':
    case 'fixed64':
      return UINT64
    default:
      return INT64
  }
}
