/** A receiver on free ports with a log in memory, and what it stored. */
import { MemoryLog } from '#pipeline/testing/memory_log.ts'
import type { Directory, ProjectDirectory } from '#schemas/directory.ts'
import { type RawBatch, rawRecordCodec } from '#schemas/raw_record.ts'
import { telemetryRaw } from '#schemas/topics.ts'
import type { Clock } from '../clock.ts'
import { createReceiver, type Receiver, type ReceiverLimits } from '../receiver.ts'

export interface TestReceiver extends Receiver {
  readonly log: MemoryLog
  /** The raw records of all partitions, ticks left out. */
  records(): Promise<RawBatch[]>
}

export async function startReceiver(
  directory: Directory & ProjectDirectory,
  options: {
    log?: MemoryLog
    limits?: Partial<ReceiverLimits>
    clock?: Clock
    onError?: (error: unknown) => void
    partitions?: number
  } = {},
): Promise<TestReceiver> {
  const { log = new MemoryLog(), partitions = 2 } = options
  await log.createTopics([{ name: telemetryRaw.name, partitions, retentionMs: 1, retentionBytes: null }])
  const receiver = await createReceiver({
    onError: (error) => {
      throw error
    },
    ...options,
    log,
    registry: log,
    directory,
    host: '127.0.0.1',
    ports: { grpc: 0, http: 0 },
  })
  return Object.defineProperties({ log, records: async () => rawRecords(log) } as TestReceiver, {
    ...Object.getOwnPropertyDescriptors(receiver),
  })
}

/** The raw records in a log, partition by partition, ticks left out unless asked for. */
export async function rawRecords(log: MemoryLog, { ticks = false } = {}): Promise<RawBatch[]> {
  const records: RawBatch[] = []
  for (const { name: topic, bounds } of await log.topics()) {
    for (const { partition, begin } of bounds) {
      for (const record of await log.read(topic, partition, begin, { maxBytes: Number.MAX_SAFE_INTEGER })) {
        const place = { log: log.id, topic, partition, offset: record.offset, previous: record.offset - 1 }
        const decoded = rawRecordCodec.decode(record.value, place)
        if (ticks || decoded.projectId !== '') records.push(decoded)
      }
    }
  }
  return records
}
