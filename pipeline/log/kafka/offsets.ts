/** Where partitions begin and end, and where a time is in them. */
import type { Bounds } from '../log.ts'
import type { Cluster, TopicPartition } from './cluster.ts'
import { asLogError } from './failures.ts'
import type { BrokerConnection } from './kafkajs.ts'
import { keyOf } from './partitions.ts'

/** Kafka's signs for the two ends in place of a timestamp. */
const LATEST = -1
const EARLIEST = -2

export class Offsets {
  readonly #cluster: Cluster

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  async bounds(place: TopicPartition): Promise<Bounds> {
    const [begin, end] = await Promise.all([this.#one(place, EARLIEST), this.#one(place, LATEST)])
    return { partition: place.partition, begin, end }
  }

  /** The first offset with a timestamp ≥ `timestamp`; `null` where there is none. */
  async at(place: TopicPartition, timestamp: number): Promise<number | null> {
    const offset = await this.#one(place, Math.max(0, timestamp))
    return offset < 0 ? null : offset
  }

  /** Bounds of many partitions, by {@link keyOf}, with two requests to each broker. */
  async allBounds(places: readonly TopicPartition[]): Promise<ReadonlyMap<string, Bounds>> {
    const byLeader = new Map<number, TopicPartition[]>()
    for (const place of places) {
      const leader = await this.#cluster.leader(place.topic, place.partition)
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), place])
    }
    const found = await Promise.all(
      [...byLeader].map(([leader, own]) =>
        this.#cluster.at(leader, 'command', async (connection) => {
          const [begins, ends] = await Promise.all([list(connection, own, EARLIEST), list(connection, own, LATEST)])
          return own.map((place): [string, Bounds] => {
            const key = keyOf(place)
            return [key, { partition: place.partition, begin: begins.get(key)!, end: ends.get(key)! }]
          })
        }),
      ),
    ).catch((error) => {
      for (const { topic } of places) this.#cluster.forget(topic)
      throw asLogError(error, 'asking for offsets')
    })
    return new Map(found.flat())
  }

  async #one(place: TopicPartition, timestamp: number): Promise<number> {
    try {
      const found = await this.#cluster.atLeader(place, 'command', (connection) => list(connection, [place], timestamp))
      return found.get(keyOf(place))!
    } catch (error) {
      throw asLogError(error, `asking for offsets of ${keyOf(place)}`)
    }
  }
}

async function list(
  { broker }: BrokerConnection,
  places: readonly TopicPartition[],
  timestamp: number,
): Promise<ReadonlyMap<string, number>> {
  const topics = [...Map.groupBy(places, ({ topic }) => topic)].map(([topic, own]) => ({
    topic,
    partitions: own.map(({ partition }) => ({ partition, timestamp })),
  }))
  const { responses } = await broker.listOffsets({ topics })
  return new Map(
    responses.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, offset }): [string, number] => [keyOf({ topic, partition }), Number(offset)]),
    ),
  )
}
