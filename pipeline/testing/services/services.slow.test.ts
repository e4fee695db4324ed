import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import { OperatorError } from '../../errors/errors.ts'
import { until } from '../until.ts'
import { servicesMissing } from './artifacts.ts'
import type { KafkaUser } from './broker_settings.ts'
import { type KafkaServer, startKafka } from './kafka.ts'
import { type RegistryServer, startRegistry } from './registry.ts'

/** kafkajs hangs its authenticator on the object it is given: a copy of that would let the first user in again. */
const sasl = (user: KafkaUser) => ({ ...user }) as NonNullable<KafkaConfig['sasl']>
const client = (config: Omit<KafkaConfig, 'logLevel'>) => new Kafka({ ...config, logLevel: logLevel.NOTHING })

async function produce(kafka: Kafka, topic: string, value: string): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1 }] })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ value }] })
  await producer.disconnect()
}

/** The first record of the topic, read by a new group. */
async function consume(kafka: Kafka, topic: string): Promise<string> {
  const consumer = kafka.consumer({ groupId: `reads ${topic} ${process.hrtime.bigint()}` })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const value = await new Promise<string>((resolve) => {
    consumer.run({ eachMessage: async ({ message }) => resolve(message.value!.toString()) })
  })
  await consumer.disconnect()
  return value
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('Kafka', { skip: servicesMissing() }, () => {
  let server: KafkaServer
  before(async () => {
    server = await startKafka()
  })
  after(() => server?.close())

  it('keeps a record, also through a kill', async () => {
    const kafka = client({ brokers: [...server.brokers] })
    await produce(kafka, 'kept', 'a record')
    assert.equal(await consume(kafka, 'kept'), 'a record')
    const { pid } = server
    await server.kill()
    assert.ok(!isAlive(pid))
    assert.throws(() => server.pid, /does not run/)
    await server.restart()
    assert.notEqual(server.pid, pid)
    assert.equal(await consume(kafka, 'kept'), 'a record')
  })

  it('answers nothing while it is paused', async () => {
    server.pause()
    const state = () => /\((?:java)\) (\w)/.exec(readFileSync(`/proc/${server.pid}/stat`, 'utf8'))?.[1]
    if (process.platform === 'linux') await until(() => state() === 'T')
    const impatient = client({ brokers: [...server.brokers], retry: { retries: 0 }, requestTimeout: 300 })
    const admin = impatient.admin()
    await assert.rejects(admin.connect().then(() => admin.listTopics()))
    await admin.disconnect()
    server.resume()
    assert.equal(await consume(client({ brokers: [...server.brokers] }), 'kept'), 'a record')
  })

  it('does not make a topic by itself', async () => {
    const producer = client({ brokers: [...server.brokers], retry: { retries: 0 } }).producer({
      allowAutoTopicCreation: true,
    })
    await producer.connect()
    await assert.rejects(producer.send({ topic: 'never_made', messages: [{ value: '' }] }), /does not host this topic/)
    await producer.disconnect()
  })

  it('says what is wrong with a setting, and leaves nothing', async () => {
    await assert.rejects(startKafka({ settings: { 'log.segment.bytes': '-1' } }), (error: Error) => {
      assert.ok(error instanceof OperatorError)
      assert.match(error.message, /log\.segment\.bytes/)
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
  let server: KafkaServer
  before(async () => {
    server = await startKafka({ users, tls: true })
  })
  after(() => server?.close())

  for (const user of users) {
    it(`lets a user in by ${user.mechanism}, over TLS`, async () => {
      const kafka = client({ brokers: [...server.brokers], ssl: { ca: [server.ca!] }, sasl: sasl(user) })
      await produce(kafka, user.username, user.mechanism)
      assert.equal(await consume(kafka, user.username), user.mechanism)
    })

    it(`lets nobody in with another password, by ${user.mechanism}`, async () => {
      const admin = client({
        brokers: [...server.brokers],
        ssl: { ca: [server.ca!] },
        sasl: sasl({ ...user, password: 'another' }),
        retry: { retries: 0 },
      }).admin()
      await assert.rejects(
        admin.connect().then(() => admin.listTopics()),
        /SASL|[Aa]uthentication/,
      )
      await admin.disconnect()
    })
  }

  it('speaks to nobody without TLS or without a user', async () => {
    for (const config of [{ sasl: sasl(users[0]) }, { ssl: { ca: [server.ca!] } }]) {
      const options = { brokers: [...server.brokers], retry: { retries: 0 }, requestTimeout: 2_000, ...config }
      const admin = client(options).admin()
      await assert.rejects(admin.connect().then(() => admin.listTopics()))
      await admin.disconnect()
    }
  })
})

describe('the registry', { skip: servicesMissing() }, () => {
  let server: RegistryServer
  before(async () => {
    server = await startRegistry()
  })
  after(() => server?.close())

  it('keeps a schema, also through a kill', async () => {
    const schema = JSON.stringify({ type: 'record', name: 'Kept', fields: [{ name: 'word', type: 'string' }] })
    const response = await fetch(`${server.url}/subjects/kept-value/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema }),
    })
    const { id } = (await response.json()) as { id: number }
    const read = async () => {
      const answer = await fetch(`${server.url}/schemas/ids/${id}`)
      return JSON.parse(((await answer.json()) as { schema: string }).schema)
    }
    assert.deepEqual(await read(), JSON.parse(schema))
    await server.restart()
    assert.deepEqual(await read(), JSON.parse(schema))
  })
})

describe('a service', { skip: servicesMissing() }, () => {
  it('does not outlive a kill of who started it, nor do temporary files', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-services-'))
    const temporary = join(folder, 'temporary')
    mkdirSync(temporary)
    // A broker whose files are taken away ends by itself: this one's stay, so that it ends because it is ended.
    const code = `
      const { startKafka } = await import('${new URL('./kafka.ts', import.meta.url)}')
      const { startRegistry } = await import('${new URL('./registry.ts', import.meta.url)}')
      const kafka = await startKafka({ folder: ${JSON.stringify(join(folder, 'kept'))} })
      const registry = await startRegistry()
      console.log(JSON.stringify([kafka.pid, registry.pid]))`
    const env = { ...process.env, TMPDIR: temporary }
    const starter = spawn(process.execPath, ['-e', code], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await once(createInterface({ input: starter.stdout }), 'line')
    const pids = JSON.parse(line) as number[]
    const files = () => readdirSync(temporary).filter((name) => name.startsWith('millrace-'))
    assert.ok(pids.every(isAlive))
    assert.equal(files().length, 1)
    starter.kill('SIGKILL')
    await until(() => !pids.some(isAlive) && files().length === 0)
    assert.ok(existsSync(join(folder, 'kept', 'log', 'meta.properties')))
    rmSync(folder, { recursive: true, force: true })
  })
})
