/** The topics of the log: made or checked, listed, trimmed. */
import { OperatorError } from '../../errors/errors.ts'
import type { TopicInfo, TopicSpec } from '../log.ts'
import type { Catalog } from './catalog.ts'
import type { Cluster, TopicPartition } from './cluster.ts'
import { asLogError } from './failures.ts'
import type { Offsets } from './offsets.ts'
import { keyOf } from './partitions.ts'
import { sizesRequest, type TopicMetadata } from './requests.ts'
import {
  type Configs,
  difference,
  growTopics,
  makeTopics,
  readConfigs,
  recordConfigs,
  replicas,
} from './topic_configs.ts'

export interface TopicsOptions {
  readonly replicationFactor: number | undefined
  readonly warn: (message: string) => void
}

export class Topics {
  readonly #cluster: Cluster
  readonly #offsets: Offsets
  readonly #options: TopicsOptions

  constructor(cluster: Cluster, offsets: Offsets, options: TopicsOptions) {
    this.#cluster = cluster
    this.#offsets = offsets
    this.#options = options
  }

  /** As `EventLog.createTopics`. What exists with other settings is used as it is, with a warning. */
  async create(specs: readonly TopicSpec[], catalog: Catalog): Promise<void> {
    const names = specs.map(({ name }) => name)
    try {
      await catalog.refresh()
      const present = new Map((await this.#cluster.describe(names)).map((topic) => [topic.name, topic]))
      checkCounts(specs, present)
      const missing = specs.filter(({ name }) => !present.has(name))
      const replicationFactor = replicas(this.#options.replicationFactor, this.#cluster.brokerIds.length)
      await makeTopics(
        this.#cluster,
        missing.map((spec) => ({ ...spec, replicationFactor, configs: recordConfigs(spec, replicationFactor) })),
      )
      const made = await this.#cluster.describe(names)
      // Another process may have made them in between, with another count.
      checkCounts(specs, new Map(made.map((topic) => [topic.name, topic])))
      await catalog.put(made)
      await this.#compare(
        specs.filter(({ name }) => present.has(name)),
        made,
      )
    } catch (error) {
      throw asLogError(error, 'making topics')
    }
  }

  /** As `EventLog.growTopics`. */
  async grow(names: readonly string[], count: number, catalog: Catalog): Promise<void> {
    try {
      const present = await this.#cluster.describe(names)
      for (const name of names) {
        const partitions = present.find((topic) => topic.name === name)?.partitions.length
        if (partitions === undefined) throw new RangeError(`there is no topic ${name}`)
        if (partitions > count)
          throw new OperatorError(`topic ${name} has ${partitions} partitions: it cannot have ${count}`)
      }
      const growing = present.filter(({ partitions }) => partitions.length < count).map(({ name }) => name)
      await growTopics(this.#cluster, growing, count)
      await catalog.put(await this.#cluster.describe(names))
    } catch (error) {
      throw asLogError(error, 'growing topics')
    }
  }

  async #compare(specs: readonly TopicSpec[], made: readonly TopicMetadata[]): Promise<void> {
    const wanted = new Map(
      specs.map((spec): [string, Configs] => {
        const { partitions } = made.find(({ name }) => name === spec.name)!
        return [spec.name, recordConfigs(spec, partitions[0].replicas)]
      }),
    )
    const present = await this.#configs([...wanted.keys()])
    for (const [name, configs] of wanted) {
      const differs = difference(name, configs, present.get(name) ?? {})
      if (differs !== null) this.#options.warn(differs)
    }
  }

  /** As `EventLog.topics`: those of this log, not all that Kafka has. */
  async list(catalog: Catalog): Promise<readonly TopicInfo[]> {
    try {
      await catalog.refresh()
      const topics = await this.#cluster.describe(catalog.topics)
      const places = topics.flatMap(({ name: topic, partitions }) =>
        partitions.map(({ partition }) => ({ topic, partition })),
      )
      const [configs, bounds, sizes] = await Promise.all([
        this.#configs(topics.map(({ name }) => name)),
        this.#offsets.allBounds(places),
        this.#sizes(topics),
      ])
      return topics.map(({ name, partitions }) => {
        const { 'retention.ms': retentionMs, 'retention.bytes': retentionBytes } = configs.get(name)!
        const numbers = partitions.map(({ partition }) => partition).sort((a, b) => a - b)
        return {
          name,
          partitions: partitions.length,
          retentionMs: Number(retentionMs),
          retentionBytes: Number(retentionBytes) < 0 ? null : Number(retentionBytes) * partitions.length,
          sizeBytes: sizes.get(name) ?? 0,
          bounds: numbers.map((partition) => bounds.get(keyOf({ topic: name, partition }))!),
        }
      })
    } catch (error) {
      throw asLogError(error, 'listing topics')
    }
  }

  async deleteBefore({ topic, partition }: TopicPartition, offset: number): Promise<void> {
    const topics = [{ topic, partitions: [{ partition, offset: String(offset) }] }]
    try {
      await this.#cluster.atLeader({ topic, partition }, 'command', ({ broker }) => broker.deleteRecords({ topics }))
    } catch (error) {
      throw asLogError(error, `trimming ${keyOf({ topic, partition })}`)
    }
  }

  #configs(names: readonly string[]): Promise<ReadonlyMap<string, Configs>> {
    const keys = Object.keys(recordConfigs({ name: '', partitions: 1, retentionMs: 0, retentionBytes: null }, 1))
    return readConfigs(this.#cluster, names, keys)
  }

  /** Bytes by topic, as its leaders store them. */
  async #sizes(topics: readonly TopicMetadata[]): Promise<ReadonlyMap<string, number>> {
    const sizes = new Map<string, number>()
    const leaders = new Set(topics.flatMap(({ partitions }) => partitions.map(({ leader }) => leader)))
    const answers = await Promise.all(
      [...leaders].map(async (leader) => {
        const led = topics.map(({ name: topic, partitions }) => ({
          topic,
          partitions: partitions.filter((each) => each.leader === leader).map(({ partition }) => partition),
        }))
        return this.#cluster.at(leader, 'command', (connection) => connection.send(sizesRequest(led)))
      }),
    )
    for (const { topic, sizeBytes } of answers.flat()) sizes.set(topic, (sizes.get(topic) ?? 0) + sizeBytes)
    return sizes
  }
}

function checkCounts(specs: readonly TopicSpec[], present: ReadonlyMap<string, TopicMetadata>): void {
  for (const { name, partitions } of specs) {
    const count = present.get(name)?.partitions.length ?? partitions
    if (count !== partitions) {
      throw new OperatorError(
        `topic ${name} has ${count} partitions, not ${partitions}: leave MILLRACE_PARTITIONS out, or stop millrace and run ` +
          'millrace topics grow',
      )
    }
  }
}
