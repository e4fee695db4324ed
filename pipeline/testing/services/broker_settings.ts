/** How one broker that is its own controller (KRaft) is set up: small, quick, open to this machine only. */
export const HOST = '127.0.0.1'
export const KEYSTORE_PASSWORD = 'not-a-secret'

/** As kafkajs takes it. */
export interface KafkaUser {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

export interface BrokerOptions {
  readonly ports: { readonly client: number; readonly internal: number; readonly controller: number }
  /** Address listened on for clients; default: the loopback one. */
  readonly bind?: string
  readonly advertisedPort: number
  readonly users?: readonly KafkaUser[]
  /** File with certificate and key in PKCS 12, where clients use TLS. */
  readonly keystore?: string
}

/** By their names in Kafka's documentation. */
export function brokerSettings(options: BrokerOptions): Record<string, string> {
  const { ports, bind = HOST, advertisedPort, users = [], keystore } = options
  const protocol = `${users.length > 0 ? 'SASL_' : ''}${keystore === undefined ? 'PLAINTEXT' : 'SSL'}`
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@${HOST}:${ports.controller}`,
    // What the broker says to itself, and our question whether it is there, go without password and proxy.
    listeners: `CLIENT://${bind}:${ports.client},INTERNAL://${HOST}:${ports.internal},CONTROLLER://${HOST}:${ports.controller}`,
    'advertised.listeners': `CLIENT://${HOST}:${advertisedPort},INTERNAL://${HOST}:${ports.internal}`,
    'listener.security.protocol.map': `CLIENT:${protocol},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT`,
    'inter.broker.listener.name': 'INTERNAL',
    'controller.listener.names': 'CONTROLLER',
    'auto.create.topics.enable': 'false',
    // One broker can keep no more than one copy.
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    // Fifty partitions of each are fifty folders to make when the first group comes.
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.num.partitions': '2',
    'share.coordinator.state.topic.num.partitions': '2',
    // By default the first member of a group waits three seconds for others.
    'group.initial.rebalance.delay.ms': '0',
    // After a kill the controller lets the broker come back when it has missed its old self for this long, else 9 s.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    ...(users.length > 0 && saslSettings(users)),
    ...(keystore !== undefined && {
      'listener.name.client.ssl.keystore.type': 'PKCS12',
      'listener.name.client.ssl.keystore.location': keystore,
      'listener.name.client.ssl.keystore.password': KEYSTORE_PASSWORD,
    }),
  }
}

function saslSettings(users: readonly KafkaUser[]): Record<string, string> {
  const mechanisms = [...new Set(users.map(({ mechanism }) => mechanism))]
  const ofPlain = users
    .filter(({ mechanism }) => mechanism === 'plain')
    .map(({ username, password }) => ` user_${username}="${password}"`)
  const modules: Record<KafkaUser['mechanism'], string> = {
    plain: `org.apache.kafka.common.security.plain.PlainLoginModule required${ofPlain.join('')};`,
    'scram-sha-256': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'scram-sha-512': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
  }
  return {
    'listener.name.client.sasl.enabled.mechanisms': mechanisms.join(',').toUpperCase(),
    ...Object.fromEntries(
      mechanisms.map((mechanism) => [`listener.name.client.${mechanism}.sasl.jaas.config`, modules[mechanism]]),
    ),
  }
}
