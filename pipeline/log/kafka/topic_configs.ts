/** How topics are made, and how those that exist differ. */
import { setTimeout as delay } from 'node:timers/promises'
import { OperatorError, TransientError } from '../../errors/errors.ts'
import type { TopicSpec } from '../log.ts'
import type { Cluster } from './cluster.ts'
import { asLogError } from './failures.ts'
import { protocolError } from './kafkajs.ts'
import { Offsets } from './offsets.ts'
import type { TopicMetadata } from './requests.ts'

const MIB = 2 ** 20
const HOUR_MS = 3_600_000
const TOPIC_RESOURCE = 2
const TIMEOUT_MS = 30_000
/** A record of 16 MB that does not compress, and what it is framed with. */
const MAX_MESSAGE_BYTES = 20 * MIB
const SEGMENT_BYTES = 256 * MIB

export type Configs = Readonly<Record<string, string>>

/** What a topic of records is made with. Replicas: see {@link replicas}. */
export function recordConfigs({ partitions, retentionMs, retentionBytes }: TopicSpec, replicaCount: number): Configs {
  return {
    'cleanup.policy': 'delete',
    'retention.ms': String(retentionMs),
    // Ours is for the whole topic, Kafka's for each partition.
    'retention.bytes': retentionBytes === null ? '-1' : String(Math.ceil(retentionBytes / partitions)),
    // Retention drops whole segments: a topic kept for two hours must not have one for a week.
    'segment.ms': String(Math.min(24 * HOUR_MS, Math.max(HOUR_MS / 6, Math.floor(retentionMs / 4)))),
    'segment.bytes': String(SEGMENT_BYTES),
    ...commonConfigs(replicaCount),
  }
}

export function compactedConfigs(replicaCount: number): Configs {
  return { 'cleanup.policy': 'compact', ...commonConfigs(replicaCount) }
}

function commonConfigs(replicaCount: number): Configs {
  return {
    'compression.type': 'producer',
    'max.message.bytes': String(MAX_MESSAGE_BYTES),
    // A batch is acknowledged when two brokers have it; with fewer than three replicas, one lost broker would stop us.
    'min.insync.replicas': replicaCount >= 3 ? '2' : '1',
    'message.timestamp.type': 'CreateTime',
    // A sender whose clock is ahead is stored as it is.
    'message.timestamp.after.max.ms': '9223372036854775807',
  }
}

/** As many as asked for; by default three, or as many as there are brokers. */
export function replicas(asked: number | undefined, brokers: number): number {
  return asked ?? Math.min(3, Math.max(1, brokers))
}

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  readonly configs: Configs
}

/** Makes topics and waits until they can be written to; another process may have made them in between. */
export async function makeTopics(cluster: Cluster, topics: readonly NewTopic[]): Promise<void> {
  if (topics.length === 0) return
  const request = topics.map(({ name, partitions, replicationFactor, configs }) => ({
    topic: name,
    numPartitions: partitions,
    replicationFactor,
    configEntries: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  }))
  try {
    await cluster.any(({ broker }) => broker.createTopics({ topics: request, timeout: TIMEOUT_MS }))
  } catch (cause) {
    const errors = (cause as { errors?: readonly { topic: string }[] }).errors ?? [cause as { topic: string }]
    for (const error of errors) {
      const type = protocolError(error)
      if (type === 'TOPIC_ALREADY_EXISTS') continue
      if (type === 'INVALID_REPLICATION_FACTOR') {
        throw new OperatorError(
          `topic ${error.topic} cannot have ${request[0].replicationFactor} replicas: there are fewer brokers. ` +
            'Start them, or ask for fewer with replicas=… in MILLRACE_LOG',
        )
      }
      throw asLogError(error, `making topic ${error.topic}`)
    }
  }
  await untilLed(cluster, topics)
}

/** Gives topics more partitions and waits until they can be written to. */
export async function growTopics(cluster: Cluster, names: readonly string[], count: number): Promise<void> {
  if (names.length === 0) return
  const topicPartitions = names.map((topic) => ({ topic, count }))
  await cluster.any(({ broker }) => broker.createPartitions({ topicPartitions, timeout: TIMEOUT_MS }))
  for (const name of names) cluster.forget(name)
  await untilLed(
    cluster,
    names.map((name) => ({ name, partitions: count })),
  )
}

/** That brokers are named leaders does not mean that they know it yet: they are asked for something only a leader answers. */
async function untilLed(cluster: Cluster, topics: readonly Pick<NewTopic, 'name' | 'partitions'>[]): Promise<void> {
  const wanted = new Map(topics.map(({ name, partitions }) => [name, partitions]))
  const isLed = ({ name, partitions }: TopicMetadata) =>
    partitions.length === wanted.get(name) && partitions.every(({ leader }) => leader >= 0)
  const deadline = performance.now() + TIMEOUT_MS
  const offsets = new Offsets(cluster)
  while (performance.now() < deadline) {
    const found = await cluster.describe(topics.map(({ name }) => name)).catch(() => [])
    if (found.length === topics.length && found.every(isLed)) {
      const places = found.flatMap(({ name: topic, partitions }) =>
        partitions.map(({ partition }) => ({ topic, partition })),
      )
      const answered = await offsets.allBounds(places).catch(() => null)
      if (answered !== null) return
    }
    await delay(50)
  }
  throw new TransientError(`Kafka has made ${topics.map(({ name }) => name).join(', ')}, but no broker leads them yet`)
}

/** The configuration of topics that exist. */
export async function readConfigs(
  cluster: Cluster,
  topics: readonly string[],
  names: readonly string[],
): Promise<ReadonlyMap<string, Configs>> {
  if (topics.length === 0) return new Map()
  const resources = topics.map((name) => ({ type: TOPIC_RESOURCE, name, configNames: names }))
  const answer = await cluster.any(({ broker }) => broker.describeConfigs({ resources }))
  return new Map(
    answer.resources.map(({ configEntries }, i) => [
      topics[i],
      Object.fromEntries(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  )
}

/** One sentence for what differs, `null` where nothing does. */
export function difference(topic: string, wanted: Configs, present: Configs): string | null {
  const differing = Object.entries(wanted).filter(([name, value]) => present[name] !== value)
  if (differing.length === 0) return null
  const listed = differing.map(([name, value]) => `${name} is ${present[name]}, not ${value}`)
  return `topic ${topic} is not as it would be made: ${listed.join('; ')}. It is used as it is`
}
