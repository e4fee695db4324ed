/** What an object says about itself in its header, so that nobody has to read the object to know it. */
import { crc32 } from 'node:zlib'
import { OperatorError } from '#pipeline/errors/errors.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import { type ArchivedRecord, DamagedError, decodeHeader, type Header } from './container.ts'
import type { PartitionPlace } from './place.ts'

export interface Summary {
  /** The object has what the log held from this offset on … */
  readonly first: number
  /** … to this record, its last. */
  readonly last: number
  /** Of the last record's value, to tell this log from another that counts on from there. */
  readonly lastSum: string
  /** The latest timestamp of this object and all before it, milliseconds since 1970. */
  readonly latest: number
}

export function sumOf({ value }: Pick<ArchivedRecord, 'value'>): string {
  return crc32(value).toString(16).padStart(8, '0')
}

/** @param valueSchema Avro schema of the records' values */
export function metadataOf(
  { log, topic, partition }: PartitionPlace,
  { first, last, lastSum, latest }: Summary,
  valueSchema: string,
): Map<string, string> {
  return new Map([
    ['millrace.log', log],
    ['millrace.topic', topic],
    ['millrace.partition', String(partition)],
    ['millrace.value_schema', valueSchema],
    ['millrace.first', String(first)],
    ['millrace.last', String(last)],
    ['millrace.last_crc32', lastSum],
    ['millrace.latest', String(latest)],
  ])
}

/** @throws DamagedError where the header lacks something */
export function summaryIn({ metadata }: Header): Summary {
  const number = (name: string) => {
    const value = Number(metadata.get(name) ?? Number.NaN)
    if (!Number.isSafeInteger(value)) throw new DamagedError(`its header has no ${name}`)
    return value
  }
  return {
    first: number('millrace.first'),
    last: number('millrace.last'),
    lastSum: metadata.get('millrace.last_crc32') ?? '',
    latest: number('millrace.latest'),
  }
}

/** Enough for the header of nearly every object. */
const HEADER_BYTES = 16_384
const MAX_HEADER_BYTES = 2 ** 20

/**
 * The summary of an object; `null` where there is no such object.
 * @throws OperatorError where it is damaged
 */
export async function readSummary(store: ObjectStore, key: string): Promise<Summary | null> {
  for (let end = HEADER_BYTES; end <= MAX_HEADER_BYTES; end *= 8) {
    const bytes = await store.get(key, { start: 0, end })
    if (bytes === null) return null
    try {
      const header = decodeHeader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
      if (header !== null) return summaryIn(header)
      if (bytes.length < end) throw new DamagedError('it ends within its header')
    } catch (error) {
      if (error instanceof DamagedError) throw damaged(key, error)
      throw error
    }
  }
  throw damaged(key, new DamagedError('its header does not end'))
}

export function damaged(key: string, { message }: DamagedError): OperatorError {
  return new OperatorError(
    `the archive's object ${key} is damaged: ${message}. Bring it back from a copy; without one, what it held can only be passed over`,
  )
}
