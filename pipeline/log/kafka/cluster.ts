/** Connections to the brokers, and which of them has what. */
import { setTimeout as delay } from 'node:timers/promises'
import { TransientError } from '../../errors/errors.ts'
import { asLogError, isNotCoordinator, isStale } from './failures.ts'
import {
  type Address,
  type BrokerConnection,
  type ConnectOptions,
  checkErrorCode,
  connect,
  isConnectionError,
  type Security,
} from './kafkajs.ts'
import { metadataRequest, type TopicMetadata } from './requests.ts'

/**
 * What a connection is for. A broker answers a connection's requests one after the other, so what may take its time
 * (an append until it is replicated, a wait for records, a rebalance) has one of its own.
 */
export type Lane = 'command' | 'produce' | 'fetch' | 'watch' | `member ${string}`

export interface ClusterOptions extends Security {
  /** Where to ask first. */
  readonly brokers: readonly Address[]
  readonly clientId: string
  readonly connectionTimeoutMs: number
  readonly requestTimeoutMs: number
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Leaders are asked for again after this, so that added partitions are met. */
const METADATA_AGE_MS = 60_000
const UNKNOWN_TOPIC = 3
const FIRST_DELAY_MS = 50
const LAST_DELAY_MS = 800

export class Cluster {
  readonly #options: ClusterOptions
  readonly #connections = new Map<string, Promise<BrokerConnection>>()
  readonly #topics = new Map<string, { readonly metadata: TopicMetadata; readonly at: number }>()
  readonly #coordinators = new Map<string, number>()
  #brokers = new Map<number, Address>()
  #refreshing: Promise<void> | null = null
  #closed = false

  constructor(options: ClusterOptions) {
    this.#options = options
  }

  get brokerIds(): readonly number[] {
    return [...this.#brokers.keys()]
  }

  /** Asks the brokers, whatever is known. Topics that do not exist are left out. */
  async describe(topics: readonly string[]): Promise<readonly TopicMetadata[]> {
    const metadata = await this.any((connection) => connection.send(metadataRequest(topics))).catch((error) => {
      throw asLogError(error, 'asking for topics')
    })
    this.#brokers = new Map(metadata.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    const found = metadata.topics.filter(({ errorCode }) => errorCode !== UNKNOWN_TOPIC)
    for (const { errorCode } of found) checkErrorCode(errorCode)
    for (const topic of topics) this.#topics.delete(topic)
    for (const topic of found) this.#topics.set(topic.name, { metadata: topic, at: performance.now() })
    return found
  }

  /** @throws RangeError where there is no such topic */
  async topic(name: string): Promise<TopicMetadata> {
    const known = this.#topics.get(name)
    if (known === undefined) {
      const [found] = await this.describe([name])
      if (found === undefined) throw new RangeError(`there is no topic ${name}`)
      return found
    }
    // What is known does until it is known better: nobody waits, and a broker that is away stops nobody whose leader is not.
    if (performance.now() - known.at > METADATA_AGE_MS) {
      this.#refreshing ??= this.describe([...this.#topics.keys()])
        .then(() => {})
        .catch(() => {})
        .finally(() => {
          this.#refreshing = null
        })
    }
    return known.metadata
  }

  /**
   * The node id of the broker that has the partition.
   * @throws RangeError where there is no such partition
   * @throws TransientError where none has it at the moment
   */
  async leader(name: string, partition: number): Promise<number> {
    const { partitions } = await this.topic(name)
    const found = partitions.find((each) => each.partition === partition)
    if (found === undefined) {
      throw new RangeError(`topic ${name} has no partition ${partition}, it has ${partitions.length}`)
    }
    if (found.leader < 0 || !this.#brokers.has(found.leader)) {
      this.forget(name)
      throw new TransientError(`Kafka: no broker leads ${name}/${partition} at the moment`)
    }
    return found.leader
  }

  /** The next to ask for this topic asks the brokers. */
  forget(topic: string): void {
    this.#topics.delete(topic)
  }

  /** Sends to the leader; a second time where another has become it or the connection was lost: only what may be repeated. */
  atLeader<T>(
    { topic, partition }: TopicPartition,
    lane: Lane,
    send: (connection: BrokerConnection) => Promise<T>,
  ): Promise<T> {
    return this.#repeated(async () => this.at(await this.leader(topic, partition), lane, send), {
      retry: (error) => isStale(error) || isConnectionError(error),
      before: () => this.forget(topic),
      doing: `${topic}/${partition}`,
    })
  }

  /** Sends to the coordinator of a group; repeated as {@link atLeader}. */
  atCoordinator<T>(group: string, lane: Lane, send: (connection: BrokerConnection) => Promise<T>): Promise<T> {
    return this.#repeated(async () => this.at(await this.coordinator(group), lane, send), {
      retry: (error) => isNotCoordinator(error) || isConnectionError(error),
      before: () => this.#coordinators.delete(group),
      doing: `group ${group}`,
    })
  }

  async coordinator(group: string): Promise<number> {
    const known = this.#coordinators.get(group)
    if (known !== undefined) return known
    const { coordinator } = await this.any(({ broker }) => broker.findGroupCoordinator({ groupId: group }))
    this.#coordinators.set(group, coordinator.nodeId)
    this.#brokers.set(coordinator.nodeId, { host: coordinator.host, port: coordinator.port })
    return coordinator.nodeId
  }

  forgetCoordinator(group: string): void {
    this.#coordinators.delete(group)
  }

  /** Sends to whichever broker can be reached: those known first, then those we were told of. */
  async any<T>(send: (connection: BrokerConnection) => Promise<T>): Promise<T> {
    const places = [...this.#brokers.values(), ...this.#options.brokers]
    let failure: unknown
    for (const place of places) {
      try {
        return await this.#send(place, 'command', send)
      } catch (error) {
        if (!isConnectionError(error)) throw error
        failure = error
      }
    }
    throw asLogError(failure, `reaching ${places.map(({ host, port }) => `${host}:${port}`).join(', ')}`)
  }

  /** Sends to one broker. @throws kafkajs's errors */
  async at<T>(nodeId: number, lane: Lane, send: (connection: BrokerConnection) => Promise<T>): Promise<T> {
    const place = this.#brokers.get(nodeId)
    if (place === undefined) throw new TransientError(`Kafka: broker ${nodeId} has left the cluster`)
    return this.#send(place, lane, send)
  }

  /** Drops all connections of a lane: whatever is under way there is not waited for. */
  drop(lane: Lane): void {
    for (const [key, connecting] of this.#connections) {
      if (!key.startsWith(`${lane}@`)) continue
      this.#connections.delete(key)
      connecting.then((connection) => connection.close()).catch(() => {})
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    const connections = [...this.#connections.values()]
    this.#connections.clear()
    for (const each of await Promise.allSettled(connections)) if (each.status === 'fulfilled') each.value.close()
  }

  async #send<T>(place: Address, lane: Lane, send: (connection: BrokerConnection) => Promise<T>): Promise<T> {
    const connection = await this.#connection(place, lane)
    try {
      return await send(connection)
    } catch (error) {
      // Lost, or an answer is overdue and would come in between.
      if (isConnectionError(error)) connection.close()
      throw error
    }
  }

  async #connection({ host, port }: Address, lane: Lane): Promise<BrokerConnection> {
    if (this.#closed) throw new TransientError('the log is closed')
    const key = `${lane}@${host}:${port}`
    const present = this.#connections.get(key)
    if (present !== undefined) {
      const connection = await present.catch(() => null)
      if (connection !== null && !connection.isLost) return connection
      // Others may have waited for the same one and be making the next already.
      if (this.#connections.get(key) !== present) return this.#connection({ host, port }, lane)
    }
    const { ssl, sasl, clientId, connectionTimeoutMs, requestTimeoutMs } = this.#options
    const options: ConnectOptions = { host, port, ssl, sasl, clientId, connectionTimeoutMs, requestTimeoutMs }
    const connecting = connect(options)
    this.#connections.set(key, connecting)
    return connecting
  }

  /** Elections and coordinators that load take a moment; what is longer is the caller's to wait for. */
  async #repeated<T>(send: () => Promise<T>, { retry, before, doing }: Repetition): Promise<T> {
    for (let delayMs = FIRST_DELAY_MS; ; delayMs *= 2) {
      try {
        return await send()
      } catch (error) {
        if (!retry(error)) throw error
        before()
        if (delayMs > LAST_DELAY_MS) throw asLogError(error, doing)
        if (!isConnectionError(error)) await delay(delayMs)
      }
    }
  }
}

interface Repetition {
  readonly retry: (error: unknown) => boolean
  readonly before: () => void
  /** For messages. */
  readonly doing: string
}
