/** Steps that tests of a log take. */
import assert from 'node:assert/strict'
import type { Assignment, EventLog, LogRecord, Membership, NewRecord, Position } from '../log/log.ts'

/** A record that is nothing but its text. */
export function record(topic: string, value: string, partition = 0): NewRecord {
  return { topic, partition, value: Buffer.from(value), timestamp: 1_700_000_000_000 }
}

/** Appends `count` records of 100 KB to partition 0, one by one. @returns the last one's offset */
export async function fill(log: EventLog, topic: string, count: number): Promise<number> {
  let last = -1
  for (let i = 0; i < count; i++) {
    const value = Buffer.alloc(100_000, i)
    ;[last] = await log.append([{ topic, partition: 0, value, timestamp: 1_700_000_000_000 + i }])
  }
  return last
}

/** Everything from an offset on, by pages. */
export async function readAll(log: EventLog, topic: string, partition: number, from = 0): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  const { end } = await log.bounds(topic, partition)
  for (let offset = from; offset < end; ) {
    const page = await log.read(topic, partition, offset, { maxBytes: 256 * 1024 })
    assert.ok(page.length > 0, `nothing at ${offset} of ${end}`)
    records.push(...page)
    offset = page.at(-1)!.offset + 1
  }
  return records
}

/** Joins and waits until the partitions are there. */
export async function joined(log: EventLog, group: string, topics: readonly string[]) {
  const { promise, resolve } = Promise.withResolvers<{ assignments: readonly Assignment[]; membership: Membership }>()
  await log.join(group, topics, {
    assigned: (assignments, membership) => resolve({ assignments, membership }),
    revoked: () => {},
  })
  return promise
}

/** After `offset` records, each an origin of its own. */
export function position(log: EventLog, topic: string, partition: number, offset: number): Position {
  return { topic, partition, offset, reached: offset === 0 ? {} : { [partition]: offset - 1 }, log: log.id }
}

export function sequence(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

export function text(value: Uint8Array): string {
  return Buffer.from(value).toString()
}

export function texts(records: readonly LogRecord[]): string[] {
  return records.map(({ value }) => text(value))
}
