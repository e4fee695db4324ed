/**
 * Requests that kafkajs has not, or not as needed. Formats: https://kafka.apache.org/protocol#protocol_messages.
 * They are as old as they can be and still say what we need: Kafka 3.6 and newer know them.
 */
import type { Request } from './kafkajs.ts'
import type { WireReader } from './wire.ts'

export interface PartitionMetadata {
  readonly partition: number
  /** Node id; -1 where there is none at the moment. */
  readonly leader: number
  readonly replicas: number
}

export interface TopicMetadata {
  readonly name: string
  readonly errorCode: number
  /** Of this topic; made again under the same name it has another. */
  readonly topicId: string
  readonly partitions: readonly PartitionMetadata[]
}

export interface ClusterMetadata {
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]
  readonly topics: readonly TopicMetadata[]
}

/** Metadata, version 12. */
export function metadataRequest(topics: readonly string[]): Request<ClusterMetadata> {
  return {
    apiKey: 3,
    apiVersion: 12,
    apiName: 'Metadata',
    write(to) {
      to.uvarint(0).uvarint(topics.length + 1)
      for (const topic of topics) to.bytes(Buffer.alloc(16)).compactString(topic).uvarint(0)
      // No topics made by asking for them; nobody's rights.
      to.int8(0).int8(0).uvarint(0)
    },
    read(from) {
      from.skipTags()
      from.int32()
      const brokers = from.compactArray(() => {
        const broker = { nodeId: from.int32(), host: from.compactString()!, port: from.int32() }
        from.compactString()
        from.skipTags()
        return broker
      })
      from.compactString()
      from.int32()
      return { brokers, topics: from.compactArray(() => readTopic(from)) }
    },
  }
}

function readTopic(from: WireReader): TopicMetadata {
  const errorCode = from.int16()
  const name = from.compactString() ?? ''
  const topicId = from.bytes(16).toString('base64url')
  from.int8()
  const partitions = from.compactArray(() => {
    from.int16()
    const partition = from.int32()
    const leader = from.int32()
    from.int32()
    const replicas = from.compactArray(() => from.int32()).length
    from.compactArray(() => from.int32())
    from.compactArray(() => from.int32())
    from.skipTags()
    return { partition, leader, replicas }
  })
  from.int32()
  from.skipTags()
  return { name, errorCode, topicId, partitions }
}

export interface ProducedPartition {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly baseOffset: number
  readonly message: string | null
}

/** Produce, version 8: one batch for each partition; answered when all replicas in sync have it. */
export function produceRequest(
  batches: readonly { readonly topic: string; readonly partition: number; readonly batch: Uint8Array }[],
  timeoutMs: number,
): Request<readonly ProducedPartition[]> {
  return {
    apiKey: 0,
    apiVersion: 8,
    apiName: 'Produce',
    waitsMs: timeoutMs,
    sizeHint: batches.reduce((sum, { topic, batch }) => sum + topic.length + 32 + batch.length, 32),
    write(to) {
      to.string(null).int16(-1).int32(timeoutMs)
      to.array([...Map.groupBy(batches, ({ topic }) => topic)], ([topic, own]) =>
        to.string(topic).array(own, ({ partition, batch }) => to.int32(partition).int32(batch.length).bytes(batch)),
      )
    },
    read(from) {
      const topics = from.array(() => {
        const topic = from.string()!
        return from.array(() => {
          const partition = from.int32()
          const errorCode = from.int16()
          const baseOffset = from.int64()
          from.skip(16)
          from.array(() => [from.int32(), from.string()])
          return { topic, partition, errorCode, baseOffset, message: from.string() }
        })
      })
      return topics.flat()
    },
  }
}

export interface FetchedPartition {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  /** Behind the last record all replicas in sync have. */
  readonly end: number
  readonly begin: number
  /** Record batches, the last maybe cut off. */
  readonly batches: Buffer
}

export interface FetchOptions {
  readonly partitions: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[]
  /** The first batch comes whole, however large. */
  readonly maxBytes: number
  /** How long the broker waits for a record where there is none. */
  readonly maxWaitMs: number
}

/** Fetch, version 11, outside of a session; all records, of transactions under way too. */
export function fetchRequest(options: FetchOptions): Request<readonly FetchedPartition[]> {
  const { partitions, maxBytes, maxWaitMs } = options
  return {
    apiKey: 1,
    apiVersion: 11,
    apiName: 'Fetch',
    waitsMs: maxWaitMs,
    write(to) {
      to.int32(-1).int32(maxWaitMs).int32(1).int32(maxBytes).int8(0).int32(0).int32(-1)
      to.array([...Map.groupBy(partitions, ({ topic }) => topic)], ([topic, own]) =>
        to
          .string(topic)
          .array(own, ({ partition, offset }) => to.int32(partition).int32(-1).int64(offset).int64(-1).int32(maxBytes)),
      )
      to.int32(0).string('')
    },
    read(from) {
      from.skip(10)
      const topics = from.array(() => {
        const topic = from.string()!
        return from.array(() => readFetched(from, topic))
      })
      return topics.flat()
    },
  }
}

function readFetched(from: WireReader, topic: string): FetchedPartition {
  const partition = from.int32()
  const errorCode = from.int16()
  const end = from.int64()
  from.int64()
  const begin = from.int64()
  from.array(() => from.skip(16))
  from.int32()
  return { topic, partition, errorCode, end, begin, batches: from.bytes(Math.max(0, from.int32())) }
}

export interface StoredPartition {
  readonly topic: string
  readonly partition: number
  readonly sizeBytes: number
}

/** DescribeLogDirs, version 1: what this broker stores of these partitions. */
export function sizesRequest(
  topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
): Request<readonly StoredPartition[]> {
  return {
    apiKey: 35,
    apiVersion: 1,
    apiName: 'DescribeLogDirs',
    write(to) {
      to.array(topics, ({ topic, partitions }) =>
        to.string(topic).array(partitions, (partition) => to.int32(partition)),
      )
    },
    read(from) {
      from.int32()
      const folders = from.array(() => {
        from.int16()
        from.string()
        return from.array(() => {
          const topic = from.string()!
          return from.array(() => {
            const stored = { topic, partition: from.int32(), sizeBytes: from.int64() }
            from.skip(9)
            return stored
          })
        })
      })
      return folders.flat(2)
    },
  }
}
