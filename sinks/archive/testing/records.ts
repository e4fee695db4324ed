/** Records of a raw topic as tests make them, and the sink's reader as the runtime has it. */
import assert from 'node:assert/strict'
import type { LogRecord } from '#pipeline/log/log.ts'
import type { SinkWriter } from '#pipeline/stage/sink.ts'
import { defineTopic } from '#pipeline/stage/topic.ts'
import { telemetryRaw } from '#schemas/topics.ts'
import { type RawValue, recordsOf } from '../raw_topic.ts'

export const LOG_ID = 'ab000000-0000-4000-8000-00000000000a'
export const TOPIC = defineTopic('test.raw.v1', telemetryRaw.codec, { source: true })
export const PLACE = { log: LOG_ID, topic: TOPIC.name, partition: 0 }

/** A record told by its offset; some are large, some have keys. */
export function recordAt(offset: number, partition = 0): LogRecord {
  const value = Buffer.alloc(1 + ((offset * 37) % 211), `${partition}/${offset};`)
  const key = offset % 3 === 0 ? null : Buffer.from(offset % 3 === 1 ? `key ${offset}` : '')
  return { topic: TOPIC.name, partition, offset, timestamp: 1_000_000 + offset * 10 - (offset % 4) * 25, key, value }
}

export const recordsFrom = (begin: number, end: number, partition = 0): LogRecord[] =>
  Array.from({ length: end - begin }, (_, at) => recordAt(begin + at, partition))

/** What the sink is handed. @param previous offset that the reader read before it */
export function handedOver(record: LogRecord, previous = record.offset - 1): RawValue {
  const { partition, offset } = record
  const origin = { ...PLACE, partition, offset, previous }
  return recordsOf(TOPIC).codec.decode(record.value, origin, record)
}

export async function writeAll(sink: SinkWriter<RawValue>, records: readonly LogRecord[]): Promise<void> {
  for (const record of records) await sink.write(handedOver(record))
}

/** The records as one compares them: bytes as text, whatever holds them. */
export function plain(records: readonly LogRecord[]) {
  return records.map(({ key, value, ...rest }) => ({
    ...rest,
    key: key === null ? null : Buffer.from(key).toString('latin1'),
    value: Buffer.from(value).toString('latin1'),
  }))
}

export function assertRecords(actual: readonly LogRecord[], expected: readonly LogRecord[], message?: string): void {
  assert.deepEqual(plain(actual), plain(expected), message)
}

/** Reads from `begin` until nothing comes, in pages. */
export async function readFrom(
  read: (offset: number, options: { maxBytes: number }) => Promise<readonly LogRecord[]>,
  begin: number,
  end: number,
  maxBytes = 500,
): Promise<LogRecord[]> {
  const all: LogRecord[] = []
  for (let offset = begin; offset < end; ) {
    const page = await read(offset, { maxBytes })
    assert.ok(page.length > 0, `there is something at ${offset}`)
    all.push(...page)
    offset = page.at(-1)!.offset + 1
  }
  return all
}
