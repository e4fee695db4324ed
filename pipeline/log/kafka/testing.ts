/** What the tests of this folder share: a broker, a registry, and what a log needs to know of them. */
import { type KafkaOptions, type KafkaServer, startKafka } from '../../testing/services/kafka.ts'
import { type RegistryServer, startRegistry } from '../../testing/services/registry.ts'
import type { KafkaLogOptions } from './kafka.ts'

export interface Services {
  readonly kafka: KafkaServer
  readonly registry: RegistryServer
  readonly options: KafkaLogOptions
  close(): Promise<void>
}

/** The tests' records are old: nothing may be trimmed by time, not even thirty seconds after the start. */
const NO_RETENTION = { 'log.initial.task.delay.ms': '86400000', 'log.retention.check.interval.ms': '86400000' }

export async function startBroker(options: KafkaOptions = {}): Promise<KafkaServer> {
  return startKafka({ ...options, settings: { ...NO_RETENTION, ...options.settings } })
}

export async function startServices(options: KafkaOptions = {}): Promise<Services> {
  const [kafka, registry] = await Promise.all([startBroker(options), startRegistry()])
  return {
    kafka,
    registry,
    options: { brokers: kafka.brokers, registryUrl: registry.url },
    close: async () => void (await Promise.all([kafka.close(), registry.close()])),
  }
}
