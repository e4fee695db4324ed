/**
 * The log on Apache Kafka, with a Confluent-compatible schema registry. Reading order: this file, then `produce_lane.ts`,
 * `reader.ts`, `watch.ts`, `member.ts`; `kafkajs.ts` is what is used of kafkajs. Policies are in `README.md`.
 */
import { OperatorError } from '../../errors/errors.ts'
import type { EventLog, SchemaRegistry } from '../log.ts'
import { Catalog } from './catalog.ts'
import { Cluster } from './cluster.ts'
import { KafkaLog } from './kafka_log.ts'
import type { Address, Security } from './kafkajs.ts'
import { Registry } from './registry.ts'
import { compactedConfigs, makeTopics, replicas } from './topic_configs.ts'

const MIB = 2 ** 20

export interface KafkaLogOptions extends Partial<Security> {
  /** `host:port` of brokers to ask first; the others are learned from them. */
  readonly brokers: readonly string[]
  /** Of a Confluent-compatible registry; may carry user and password. */
  readonly registryUrl: string
  readonly clientId?: string
  /** Before the names of groups and of the topic the log keeps itself in: two logs on one Kafka have two. */
  readonly prefix?: string
  /** Of topics that are made: by default 3, or as many as there are brokers. */
  readonly replicationFactor?: number
  /** Appended and not yet acknowledged. Past it, appends are refused; a single append may not be larger. */
  readonly maxQueuedBytes?: number
  /** Fetched and not yet asked for. */
  readonly maxKeptBytes?: number
  /** 0 for no compression. */
  readonly zstdLevel?: number
  readonly connectionTimeoutMs?: number
  /** A broker that does not answer for so long is taken for lost. */
  readonly requestTimeoutMs?: number
  /** Partitions of a process that is not heard of for so long go to others. */
  readonly sessionTimeoutMs?: number
  /** What is in flight is to be committed within this when partitions are taken away. */
  readonly rebalanceTimeoutMs?: number
  /** How long a start waits for brokers and registry that are not there yet. */
  readonly startTimeoutMs?: number
  readonly warn?: (message: string) => void
}

export interface OpenKafkaLog extends EventLog, SchemaRegistry {
  /** A sentence for each partition that must not be read any more, and why the last append failed; empty when all is well. */
  health(): readonly string[]
}

/**
 * @throws OperatorError where Kafka refuses us, or is not what it was
 * @throws TransientError where it is not there within `startTimeoutMs`
 */
export async function createKafkaLog(options: KafkaLogOptions): Promise<OpenKafkaLog> {
  const settings = withDefaults(options)
  const cluster = new Cluster({ ...settings, brokers: settings.brokers.map(parseAddress) })
  const registry = new Registry({ url: settings.registryUrl })
  const log = new KafkaLog(cluster, registry, settings)
  try {
    await log.patiently('Kafka', async () => {
      const name = `${settings.prefix}log.v1`
      if ((await cluster.describe([name])).length === 0) {
        const replicationFactor = replicas(settings.replicationFactor, cluster.brokerIds.length)
        const configs = compactedConfigs(replicationFactor)
        await makeTopics(cluster, [{ name, partitions: 1, replicationFactor, configs }])
      }
      log.open(await Catalog.open(log, name))
      await log.checkEnds()
    })
    return log
  } catch (error) {
    await log.close()
    throw error
  }
}

/** @param text `host:port`, an IPv6 address in brackets. @throws OperatorError where it is none */
export function parseAddress(text: string): Address {
  const [, ipv6, host, port] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]/@]+)):(\d{1,5})$/i.exec(text) ?? []
  if (port === undefined) throw new OperatorError(`${text} is no broker: write host:port`)
  return { host: ipv6 ?? host, port: Number(port) }
}

export type KafkaLogSettings = ReturnType<typeof withDefaults>

function withDefaults(options: KafkaLogOptions) {
  const defaults = {
    ssl: false as Security['ssl'],
    sasl: null as Security['sasl'],
    clientId: 'millrace',
    prefix: 'millrace.',
    replicationFactor: undefined as number | undefined,
    maxQueuedBytes: 64 * MIB,
    maxKeptBytes: 32 * MIB,
    zstdLevel: 1,
    connectionTimeoutMs: 10_000,
    requestTimeoutMs: 30_000,
    sessionTimeoutMs: 6_000,
    rebalanceTimeoutMs: 30_000,
    startTimeoutMs: 60_000,
    warn: (message: string) => process.emitWarning(message),
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  return { ...defaults, ...given } as typeof defaults & KafkaLogOptions & typeof defaults
}
