/**
 * One look at an export's protobuf bytes before anything is done with it: is it well formed, how many events are in
 * it, which are over a limit, and where do its resources name API keys. Builds no objects: one recursive walk driven
 * by `messages.ts`. Whatever passes here, every later reader of the bytes can read.
 */
import type { Signal } from '#pipeline/batch/batch.ts'
import {
  ANY_VALUE,
  EVENTS,
  EXPORT_REQUESTS,
  type Field,
  type Kind,
  MAX_VALUE_DEPTH,
  MalformedError,
  METRIC,
  type Message,
  RESOURCE,
  SCOPE,
  TooLargeError,
} from './messages.ts'
import { LENGTH_DELIMITED, ProtobufReader } from './protobuf_reader.ts'
import { type Range, readKeyAttribute } from './resource_keys.ts'

export interface InspectLimits {
  /** Events in one export; more are a {@link TooLargeError}. An event's position has 16 bits: at most 65,536. */
  readonly maxEvents: number
  /** An event of more bytes is refused. */
  readonly maxEventBytes: number
  /** An event with more attributes is refused; a resource or a scope with more makes the export too large. */
  readonly maxAttributes: number
}

export const INSPECT_LIMITS: InspectLimits = { maxEvents: 65_536, maxEventBytes: 2 ** 20, maxAttributes: 16_384 }

export type RefusalReason = 'event_too_large' | 'too_many_attributes'

/** The value of a resource's attribute `x-api-key`: bytes `start` to `end`, in the resource of that index. */
export interface ResourceKey extends Range {
  readonly resource: number
}

export interface Inspection {
  /** Logs, spans or data points, refused ones too. */
  readonly eventCount: number
  /** Events over a limit: index among the export's events → why. Ascending. */
  readonly refused: ReadonlyMap<number, RefusalReason>
  /** Messages of type ResourceLogs, ResourceSpans or ResourceMetrics. */
  readonly resourceCount: number
  readonly keys: readonly ResourceKey[]
}

/**
 * @param body an Export…ServiceRequest
 * @throws MalformedError where the bytes are none: a length past the end, a field of another wire type, AnyValues
 *   nested too deep, two kinds of data in one metric (readers would disagree about which is meant)
 * @throws TooLargeError where there are more events, or more attributes on a resource or scope, than the limits allow
 */
export function inspect(body: Uint8Array, signal: Signal, limits: InspectLimits = INSPECT_LIMITS): Inspection {
  const inspector = new Inspector(body, limits)
  inspector.walk(REQUESTS[signal], 0, body.length, 0)
  return inspector
}

const VARINT = 0
const FIXED64 = 1
const FIXED32 = 5
const WIRE_TYPES: Readonly<Record<Kind, number>> = {
  string: LENGTH_DELIMITED,
  bytes: LENGTH_DELIMITED,
  hex: LENGTH_DELIMITED,
  message: LENGTH_DELIMITED,
  bool: VARINT,
  enum: VARINT,
  uint32: VARINT,
  sint32: VARINT,
  int64: VARINT,
  uint64: VARINT,
  fixed64: FIXED64,
  sfixed64: FIXED64,
  double: FIXED64,
  fixed32: FIXED32,
}

/** What a message is to the walk, beyond its fields. */
type Role = 'plain' | 'value' | 'event' | 'holder' | 'resource_group' | 'metric'

/** A message made ready for the walk: arrays by field number. */
interface Shape {
  readonly name: string
  readonly role: Role
  /** The wire type expected; -1 for a number the message does not have. */
  readonly wireTypes: Int8Array
  readonly shapes: (Shape | null)[]
  /** Repeated numbers may also come packed into one length-delimited field. */
  readonly packable: readonly boolean[]
  /** The number of the field `attributes`, 0 where there is none. */
  readonly attributes: number
}

const FIELD_NUMBERS = 17
const METRIC_DATA = new Set(['gauge', 'sum', 'histogram', 'exponential_histogram', 'summary'])
const DATA_NUMBERS = new Set(METRIC.fields.filter(({ name }) => METRIC_DATA.has(name)).map(({ number }) => number))

function roleOf(message: Message): Role {
  if (message === ANY_VALUE) return 'value'
  if (message === METRIC) return 'metric'
  if (message === RESOURCE || message === SCOPE) return 'holder'
  if (EVENTS.has(message)) return 'event'
  return message.fields.some((field) => field.message === RESOURCE) ? 'resource_group' : 'plain'
}

function shapeOf(message: Message, known: Map<Message, Shape>): Shape {
  const done = known.get(message)
  if (done !== undefined) return done
  const named = message.fields.find((field) => field.name === 'attributes')
  const shape: Shape = {
    name: message.name,
    role: roleOf(message),
    wireTypes: new Int8Array(FIELD_NUMBERS).fill(-1),
    shapes: new Array<Shape | null>(FIELD_NUMBERS).fill(null),
    packable: Array.from({ length: FIELD_NUMBERS }, (_, number) =>
      message.fields.some((field) => field.number === number && isPackable(field)),
    ),
    attributes: named?.number ?? 0,
  }
  known.set(message, shape)
  for (const field of message.fields) {
    shape.wireTypes[field.number] = WIRE_TYPES[field.kind]
    if (field.message !== undefined) shape.shapes[field.number] = shapeOf(field.message, known)
  }
  return shape
}

function isPackable(field: Field): boolean {
  return field.repeated && WIRE_TYPES[field.kind] !== LENGTH_DELIMITED
}

const shapes = new Map<Message, Shape>()
const REQUESTS: Readonly<Record<Signal, Shape>> = {
  logs: shapeOf(EXPORT_REQUESTS.logs, shapes),
  traces: shapeOf(EXPORT_REQUESTS.traces, shapes),
  metrics: shapeOf(EXPORT_REQUESTS.metrics, shapes),
}
const RESOURCE_SHAPE = shapeOf(RESOURCE, shapes)

class Inspector implements Inspection {
  eventCount = 0
  resourceCount = 0
  readonly refused = new Map<number, RefusalReason>()
  readonly keys: ResourceKey[] = []
  readonly #limits: InspectLimits
  readonly #reader: ProtobufReader

  constructor(body: Uint8Array, limits: InspectLimits) {
    this.#limits = limits
    this.#reader = new ProtobufReader(body)
  }

  /** Checks the message in `[at, end)`. Returns how many attributes it has. */
  walk(shape: Shape, at: number, end: number, depth: number): number {
    const reader = this.#reader
    const { bytes } = reader
    let attributes = 0
    let data = 0
    while (at < end) {
      const start = at
      let tag = bytes[at++]
      if (tag >= 128) {
        tag = reader.varint32(start, end)
        at = reader.at
      }
      const number = tag >>> 3
      const wireType = tag & 7
      const expected = number < FIELD_NUMBERS ? shape.wireTypes[number] : -1
      if (expected !== wireType) {
        if (number === 0) throw new MalformedError(`${shape.name}: field number 0`, start)
        if (expected >= 0) {
          if (wireType !== LENGTH_DELIMITED || !shape.packable[number]) {
            throw new MalformedError(`${shape.name}: field ${number} has wire type ${wireType}, not ${expected}`, start)
          }
          at = reader.packed(expected, at, end)
        } else at = reader.skip(wireType, at, end)
        continue
      }
      if (wireType !== LENGTH_DELIMITED) {
        at = reader.skip(wireType, at, end)
        continue
      }
      let length = bytes[at++]
      if (length >= 128 || at > end) {
        length = reader.varint32(at - 1, end)
        at = reader.at
      }
      const close = at + length
      if (close > end) throw new MalformedError(`${shape.name}: field ${number} is longer than what holds it`, start)
      const child = shape.shapes[number]
      if (child !== null) {
        if (child.role !== 'plain') this.#special(child, at, close, depth)
        else this.walk(child, at, close, depth)
        if (number === shape.attributes) {
          attributes++
          if (shape === RESOURCE_SHAPE) this.#lookForKey(at, close)
        } else if (shape.role === 'metric' && DATA_NUMBERS.has(number) && ++data > 1) {
          throw new MalformedError('Metric: more than one kind of data', start)
        }
      }
      at = close
    }
    return attributes
  }

  #special(shape: Shape, at: number, end: number, depth: number): void {
    switch (shape.role) {
      case 'value':
        if (depth >= MAX_VALUE_DEPTH) throw new MalformedError(`values nested deeper than ${MAX_VALUE_DEPTH}`, at)
        this.walk(shape, at, end, depth + 1)
        return
      case 'event':
        this.#event(shape, at, end)
        return
      case 'resource_group':
        this.resourceCount++
        if (this.resourceCount > this.#limits.maxEvents) {
          throw new TooLargeError(`more than ${this.#limits.maxEvents} resources in one export`)
        }
        this.walk(shape, at, end, depth)
        return
      default:
        if (this.walk(shape, at, end, depth) > this.#limits.maxAttributes && shape.role === 'holder') {
          throw new TooLargeError(`${shape.name}: more than ${this.#limits.maxAttributes} attributes`)
        }
    }
  }

  #event(shape: Shape, at: number, end: number): void {
    const { maxEvents, maxEventBytes, maxAttributes } = this.#limits
    const index = this.eventCount++
    if (index >= maxEvents) throw new TooLargeError(`more than ${maxEvents} events in one export; send smaller ones`)
    const attributes = this.walk(shape, at, end, 0)
    if (end - at > maxEventBytes) this.refused.set(index, 'event_too_large')
    else if (attributes > maxAttributes) this.refused.set(index, 'too_many_attributes')
  }

  #lookForKey(at: number, end: number): void {
    const range = readKeyAttribute(this.#reader, at, end)
    if (range !== null) this.keys.push({ resource: this.resourceCount - 1, ...range })
  }
}
