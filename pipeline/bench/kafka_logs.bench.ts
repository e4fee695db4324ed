/** Logs through a real Kafka, all the way to the Delta table: the broker works on the same cores, its CPU is told apart. */
import { startKafka } from '../testing/services/kafka.ts'
import { startRegistry } from '../testing/services/registry.ts'
import { atLeast, type Scenario } from './figure.ts'
import { cpuSeconds } from './process_tree.ts'
import { startBenchServer } from './server.ts'

const EVENTS = 1_800_000
const LOAD = { signal: 'logs', batch: 2_000, rate: 0, connections: 4 } as const

export const kafka: Scenario = async () => {
  const [broker, registry] = await Promise.all([
    startKafka({ jvm: ['-Xmx1g', '-XX:TieredStopAtLevel=4'] }),
    startRegistry(),
  ])
  const server = await startBenchServer({
    MILLRACE_LOG: `kafka://${broker.brokers.join(',')}`,
    MILLRACE_SCHEMA_REGISTRY_URL: registry.url,
    MILLRACE_PARTITIONS: '4',
  })
  try {
    await server.load({ ...LOAD, events: EVENTS / 3 })
    await server.settled()
    const before = { own: server.cpuSeconds(), broker: cpuSeconds(broker.pid), at: performance.now() }
    const { events, p50Ms, p99Ms } = await server.load({ ...LOAD, events: EVENTS })
    await server.settled()
    const seconds = (performance.now() - before.at) / 1000
    const own = server.cpuSeconds() - before.own
    const brokers = cpuSeconds(broker.pid) - before.broker
    const detail = `${events} events, ${own.toFixed(1)} CPU s, the broker's ${brokers.toFixed(1)}, ack p50 ${p50Ms.toFixed(0)} ms, p99 ${p99Ms.toFixed(0)} ms`
    return [
      atLeast('logs through Kafka, 2,000 a request', events / own, 'per CPU-second', 25_000, detail),
      atLeast('logs through Kafka to the Delta table', events / seconds, 'per second', 30_000),
    ]
  } finally {
    await server.stop()
    await Promise.all([broker.close(), registry.close()])
  }
}
