/** Kafka killed, paused, locked, and not what it was; the registry away. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { FencedError, OperatorError, TransientError } from '../../errors/errors.ts'
import { joined, position, readAll, record, sequence, texts } from '../../testing/log_steps.ts'
import { patient } from '../../testing/patient_log.ts'
import { servicesMissing } from '../../testing/services/artifacts.ts'
import type { KafkaUser } from '../../testing/services/broker_settings.ts'
import { startKafka } from '../../testing/services/kafka.ts'
import { freePorts } from '../../testing/services/ports.ts'
import { startRegistry } from '../../testing/services/registry.ts'
import { until } from '../../testing/until.ts'
import type { Membership } from '../log.ts'
import { createKafkaLog, type KafkaLogOptions, type OpenKafkaLog } from './kafka.ts'
import { type Services, startServices } from './testing.ts'

const RETENTION = { retentionMs: 7 * 24 * 3_600_000, retentionBytes: null }
const NOBODY = 'http://127.0.0.1:1/'

describe('a broken world', { skip: servicesMissing() }, () => {
  let services: Services
  const logs: OpenKafkaLog[] = []
  const warnings: string[] = []
  before(async () => {
    services = await startServices()
  })
  after(async () => {
    services.kafka.resume()
    await Promise.all(logs.map((log) => log.close()))
    await services.close()
  })

  async function open(options: Partial<KafkaLogOptions> = {}): Promise<OpenKafkaLog> {
    const warn = (message: string) => warnings.push(message)
    const log = await createKafkaLog({ ...services.options, warn, ...options })
    logs.push(log)
    return log
  }

  async function topic(log: OpenKafkaLog, name: string): Promise<string> {
    await log.createTopics([{ name, partitions: 1, ...RETENTION }])
    return name
  }

  test('the broker is killed and comes back in mid-load: what was acknowledged is there, in order', async () => {
    const log = await open()
    const t = await topic(log, 'killed.v1')
    const memberships: Membership[] = []
    await log.join('killed', [t], {
      assigned: (_assignments, membership) => memberships.push(membership),
      revoked: () => {},
    })
    const acknowledged: string[] = []
    const offsets: number[] = []
    let i = 0
    const stop = new AbortController()
    const load = (async () => {
      for (; !stop.signal.aborted; i++) {
        offsets.push(...(await patient(log).append([record(t, `${i}`)])))
        acknowledged.push(`${i}`)
      }
    })()
    await until(() => acknowledged.length > 20)
    await services.kafka.kill()
    const waiting = log.waitFor(t, 0, Number.MAX_SAFE_INTEGER - 1, stop.signal)
    await services.kafka.restart()
    const before = acknowledged.length
    await until(() => acknowledged.length > before + 20)
    stop.abort()
    await Promise.all([load, waiting])
    const stored = await readAll(patient(log), t, 0)
    const kept = stored.filter(({ offset }) => offsets.includes(offset))
    assert.deepEqual(texts(kept), acknowledged)
    // The group has its member, in the old generation or, where it was away for too long, in another.
    await until(() =>
      memberships
        .at(-1)!
        .commit([position(log, t, 0, 1)])
        .then(
          () => true,
          (error) => {
            assert.ok(error instanceof TransientError || error instanceof FencedError, String(error))
            return false
          },
        ),
    )
  })

  test('the broker stands still: appends fail in time, the queue is bounded, and all goes on after', async () => {
    const log = await open({ requestTimeoutMs: 1_000, maxQueuedBytes: 100_000 })
    const t = await topic(log, 'paused.v1')
    await log.append([record(t, 'before')])
    services.kafka.pause()
    const value = Buffer.alloc(60_000)
    const first = log.append([{ topic: t, partition: 0, value, timestamp: 1 }])
    const refused = log.append([{ topic: t, partition: 0, value, timestamp: 1 }])
    await assert.rejects(refused, (error: TransientError) => error instanceof TransientError && error.retryAfterMs! > 0)
    await assert.rejects(first, TransientError)
    await assert.rejects(log.read(t, 0, 0, { maxBytes: 1 }), TransientError)
    services.kafka.resume()
    await patient(log).append([record(t, 'after')])
    const stored = await readAll(patient(log), t, 0)
    assert.equal(texts(stored).at(0), 'before')
    assert.equal(texts(stored).at(-1), 'after')
  })

  test('records of other processes are heard of, also by those who wait while the broker comes back', async () => {
    const [reader, writer] = [await open(), await open()]
    const t = await topic(reader, 'heard.v1')
    const { signal } = new AbortController()
    let end = await patient(writer).append([record(t, 'a')])
    await reader.waitFor(t, 0, 0, signal)
    const waiting = reader.waitFor(t, 0, 1, signal)
    await services.kafka.restart()
    end = await patient(writer).append([record(t, 'b')])
    await waiting
    assert.ok((await patient(reader).bounds(t, 0)).end > end[0])
  })

  test('a topic that was deleted and made again is not taken for the one it was', async () => {
    const log = await open({ prefix: 'again.' })
    const t = await topic(log, 'again.v1')
    await log.append([record(t, 'a'), record(t, 'b')])
    await deleteTopic(services.options.brokers[0], t)
    const other = await open({ prefix: 'another.' })
    await topic(other, t)
    // The process that knew it, when it appends; a process that starts, before it does anything.
    await assert.rejects(patient(log).append([record(t, 'c')]), OperatorError)
    await assert.rejects(log.read(t, 0, 0, { maxBytes: 1 }), /not what it was/)
    assert.equal(log.health().length, 1)
    const started = await open({ prefix: 'again.' })
    await assert.rejects(topic(started, t), (error: Error) => {
      assert.ok(error instanceof OperatorError)
      assert.match(error.message, /again\.v1 was deleted and made again.*stop millrace, delete .*again\.log\.v1/s)
      return true
    })
  })

  test('a partition that lost its records and has others now is not read on from the old position', async () => {
    const log = await open()
    const t = await topic(log, 'truncated.v1')
    await log.append(sequence(0, 10).map((i) => record(t, `old ${i}`)))
    for (const [group, offset] of [
      ['truncated', 7],
      ['truncated_too', 5],
    ] as const) {
      const { membership } = await joined(log, group, [t])
      await membership.commit([position(log, t, 0, offset)])
      await membership.leave()
    }
    await services.kafka.kill()
    emptyPartition(join(services.kafka.logDirectory, `${t}-0`))
    await services.kafka.restart()
    const writer = await open()
    await assert.rejects(writer.append([record(t, 'new')]), /it ends at 0, and was read up to 7/)
    assert.equal(writer.health().length, 1)
    // Somebody else does it all the same.
    const stranger = await open({ prefix: 'stranger.' })
    await patient(stranger).append(sequence(0, 10).map((i) => record(t, `new ${i}`)))
    const reader = await open()
    await joined(reader, 'truncated', [t])
    await assert.rejects(reader.read(t, 0, 7, { maxBytes: 1 }), (error: Error) => {
      assert.ok(error instanceof OperatorError)
      assert.match(error.message, /the record before offset 7 is another than group truncated has read.*groups reset/s)
      return true
    })
    // Who goes by the end alone sees nothing wrong.
    assert.equal((await reader.bounds(t, 0)).end, 10)
  })

  test('topics that are there with other settings are used, and it is said how they differ', async () => {
    const log = await open()
    const t = await topic(log, 'differs.v1')
    warnings.length = 0
    await log.createTopics([{ name: t, partitions: 1, retentionMs: 3_600_000, retentionBytes: 1e9 }])
    assert.deepEqual(
      warnings
        .filter((message) => message.includes(t))
        .map((message) => message.replace(/segment\.ms is \d+, not \d+; /, '')),
      [
        `topic ${t} is not as it would be made: retention.ms is 604800000, not 3600000; retention.bytes is -1, not 1000000000; ` +
          'segment.ms is 86400000, not 900000. It is used as it is',
      ],
    )
  })

  test('Kafka that does not come is waited for, as long as was said', async () => {
    const [port] = await freePorts(1)
    const said: string[] = []
    const options = { brokers: [`127.0.0.1:${port}`], registryUrl: NOBODY, startTimeoutMs: 1_000 }
    await assert.rejects(createKafkaLog({ ...options, warn: (message) => said.push(message) }), TransientError)
    assert.match(said[0], new RegExp(`waiting for Kafka: .*127.0.0.1:${port}`))
    const late = createKafkaLog({ ...options, startTimeoutMs: 60_000, warn: (message) => said.push(message) })
    const kafka = await startKafka({ port })
    try {
      await (await late).close()
    } finally {
      await kafka.close()
    }
  })

  test('the registry comes late, and goes: what is known stays known', async () => {
    const [port] = await freePorts(1)
    const said: string[] = []
    const log = await open({
      registryUrl: `http://127.0.0.1:${port}/apis/ccompat/v7`,
      warn: (message) => said.push(message),
    })
    const registering = log.register('late-value', '"string"')
    await until(() => said.some((message) => /waiting for the schema registry/.test(message)))
    const registry = await startRegistry({ port })
    const id = await registering
    assert.deepEqual(JSON.parse(await log.schema(id)), 'string')
    await registry.close()
    assert.equal(await log.register('late-value', '"string"'), id)
    assert.deepEqual(JSON.parse(await log.schema(id)), 'string')
    await assert.rejects(log.schema(id + 1), TransientError)
  })

  test('a schema that cannot read what was written before is refused', async () => {
    const log = await open()
    const schema = (fields: unknown[]) => JSON.stringify({ type: 'record', name: 'R', fields })
    const a = { name: 'a', type: 'string' }
    const first = await log.register('compatible-value', schema([a]))
    const added = await log.register('compatible-value', schema([a, { name: 'b', type: 'long', default: 0 }]))
    assert.notEqual(first, added)
    assert.equal(await log.register('compatible-value', schema([a])), first)
    await assert.rejects(log.register('compatible-value', schema([a, { name: 'c', type: 'long' }])), (error: Error) => {
      assert.ok(error instanceof OperatorError)
      assert.match(error.message, /compatible-value cannot read what was written with the one before/)
      return true
    })
  })
})

describe('Kafka behind locks', { skip: servicesMissing() }, () => {
  const users: readonly KafkaUser[] = [
    { mechanism: 'plain', username: 'ada', password: 'plain words' },
    { mechanism: 'scram-sha-256', username: 'bob', password: 'salted' },
    { mechanism: 'scram-sha-512', username: 'eve', password: 'salted-more' },
  ]
  let kafka: Awaited<ReturnType<typeof startKafka>>
  before(async () => {
    kafka = await startKafka({ users, tls: true })
  })
  after(() => kafka?.close())
  const options = () => ({ brokers: kafka.brokers, registryUrl: NOBODY, startTimeoutMs: 3_000, warn: () => {} })

  for (const sasl of users) {
    test(`lets us in by ${sasl.mechanism}, over TLS, on every connection`, async () => {
      const log = await createKafkaLog({ ...options(), ssl: { ca: kafka.ca }, sasl })
      const t = `locked.${sasl.username}.v1`
      await log.createTopics([{ name: t, partitions: 1, ...RETENTION }])
      await log.append([record(t, 'a')])
      assert.deepEqual(texts(await readAll(log, t, 0)), ['a'])
      await log.waitFor(t, 0, 0, new AbortController().signal)
      const { membership } = await joined(log, sasl.username, [t])
      await membership.commit([position(log, t, 0, 1)])
      await log.close()
    })

    test(`says what is wrong with the password, by ${sasl.mechanism}`, async () => {
      const wrong = { ...sasl, password: 'another' }
      await assert.rejects(createKafkaLog({ ...options(), ssl: { ca: kafka.ca }, sasl: wrong }), (error: Error) => {
        assert.ok(error instanceof OperatorError, String(error))
        assert.match(error.message, /user, password and mechanism in MILLRACE_LOG/)
        return true
      })
    })
  }

  test('does not trust a certificate nobody vouches for', async () => {
    await assert.rejects(createKafkaLog({ ...options(), ssl: true, sasl: users[0] }), (error: Error) => {
      assert.ok(error instanceof OperatorError, String(error))
      assert.match(error.message, /certificate is not trusted/)
      return true
    })
  })
})

/** What a disk that lost its end leaves: the partition, empty, and nothing that says how far it was. */
function emptyPartition(folder: string): void {
  for (const file of readdirSync(folder)) {
    if (/\.(log|index|timeindex|snapshot)$|leader-epoch-checkpoint/.test(file)) rmSync(join(folder, file))
  }
  for (const file of ['recovery-point-offset-checkpoint', 'replication-offset-checkpoint', '.kafka_cleanshutdown']) {
    const path = join(folder, '..', file)
    if (existsSync(path)) rmSync(path)
  }
}

async function deleteTopic(broker: string, name: string): Promise<void> {
  const { Kafka, logLevel } = await import('kafkajs')
  const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.deleteTopics({ topics: [name] })
  await admin.disconnect()
}
