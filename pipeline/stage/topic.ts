/**
 * A topic as stages see it: a name, and how its records become values and back.
 */
import type { Batch, Origin } from '../batch/batch.ts'
import type { LogRecord } from '../log/log.ts'

/** What every record of every topic carries: its place in the order of events, and time. */
export interface Carrier {
  readonly origin: Origin
  /** Microseconds since 1970. */
  readonly receivedAt: number
  readonly eventCount: number
  /** What goes through the topology in the place of what a source's records hold otherwise. */
  readonly passing?: Batch | undefined
  /** Positions of the events that are to be treated; without it, all. */
  readonly only?: readonly number[] | undefined
  /** A record of a source that cannot be read: it keeps its place in the order of events. */
  readonly unreadable?: Unreadable | undefined
}

export interface Unreadable {
  readonly bytes: Uint8Array
  /** Why, in a sentence. */
  readonly detail: string
}

export interface Codec<T> {
  /** Avro schema as JSON text, registered under `<topic>-value`. */
  readonly schema: string
  /** The framed bytes: 0, the schema's id as int32 big-endian, the Avro value. */
  encode(value: T, schemaId: number): Uint8Array
  /**
   * @param place where the record stands; a raw record's origin is its place, other records carry theirs
   * @param record what the log has of it besides
   * @throws RangeError where the bytes are no such value
   */
  decode(bytes: Uint8Array, place: Origin, record?: Pick<LogRecord, 'key' | 'timestamp'>): T
}

export interface Topic<T extends Carrier> {
  readonly name: string
  readonly codec: Codec<T>
  /** True for a topic that receivers write: its records have no origin but their own place. */
  readonly source: boolean
  readonly retentionMs: number
  readonly retentionBytes: number | null
  /**
   * What a value must keep to, beyond being well-formed, for those who read the topic. Asked of what stages that are not
   * ours give. @throws TypeError naming what does not fit
   */
  check?(value: T): void
}

const HOUR_MS = 3_600_000

/** Declares a topic. Retention defaults to 2 h: every topic but the raw one can be made again. */
export function defineTopic<T extends Carrier>(
  name: string,
  codec: Codec<T>,
  options: {
    source?: boolean
    retentionMs?: number
    retentionBytes?: number | null
    check?: (value: T) => void
  } = {},
): Topic<T> {
  if (!/^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*\.v\d+(\.dlq)?$/.test(name)) {
    throw new RangeError(`topic ${name}: a name is lower-case words and a version, like telemetry.events.v1`)
  }
  return {
    name,
    codec,
    source: options.source ?? false,
    retentionMs: options.retentionMs ?? 2 * HOUR_MS,
    retentionBytes: options.retentionBytes ?? null,
    check: options.check,
  }
}

export type BatchTopic = Topic<Batch>
