/** Apache Kafka for tests and for trying out: one broker that is its own controller (KRaft), on this machine only. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { OperatorError } from '../../errors/errors.ts'
import { fetchKafka, type Progress } from './artifacts.ts'
import { brokerSettings, HOST, type KafkaUser, KEYSTORE_PASSWORD } from './broker_settings.ts'
import { type Controls, controlsOf, JavaServer } from './java_server.ts'
import { freePorts } from './ports.ts'

const run = promisify(execFile)

export interface KafkaOptions {
  /** Where its data is, made if it does not exist and kept; default: a temporary folder that goes with the broker. */
  readonly folder?: string
  /** That clients connect to; default: a free one. */
  readonly port?: number
  /** Port of `127.0.0.1` that clients are told to use: a proxy's in front of the broker. Default: the broker's own. */
  readonly advertisedPort?: number
  /** With any, clients must be one of them (SASL). They are written when the folder is new. */
  readonly users?: readonly KafkaUser[]
  /** Clients must use TLS, and trust `ca`. */
  readonly tls?: boolean
  /** Broker settings beside and over ours, by their names in Kafka's documentation. */
  readonly settings?: Readonly<Record<string, string>>
  /** Options of `java` beside and over ours, which are for a small machine: `-Xmx1g`, say. */
  readonly jvm?: readonly string[]
  readonly progress?: Progress
}

export interface KafkaServer extends Controls {
  /** `host:port`, as kafkajs takes them. */
  readonly brokers: readonly string[]
  /** That it listens on for clients, whatever is advertised. */
  readonly port: number
  /** PEM of what to trust, where TLS was asked for. */
  readonly ca: string | undefined
  /** Folder of its partitions' folders (`<topic>-<partition>/…`). */
  readonly logDirectory: string
  /** Ends it; a temporary folder goes. Data of a folder that was given is written down first. */
  close(): Promise<void>
}

/**
 * Returns when the broker answers (three seconds on a quiet machine). Topics are not made by themselves.
 * @throws OperatorError where Java or Maven are missing, or the broker does not start (a port or a setting, say): with what it said
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  const { users = [], tls = false, settings = {}, jvm = [] } = options
  const classPath = join(await fetchKafka(options.progress), '*')
  const temporary = options.folder === undefined
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'millrace-kafka-'))
  const free = await freePorts(3)
  const ports = { client: options.port ?? free[0], internal: free[1], controller: free[2] }
  const advertisedPort = options.advertisedPort ?? ports.client
  const logDirectory = join(folder, 'log')
  const properties = join(folder, 'server.properties')
  const server = new JavaServer({
    name: 'Kafka',
    folder,
    temporary,
    args: [...jvm, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', classPath, 'kafka.Kafka', properties],
    answers: () => kafkaAnswers(`${HOST}:${ports.internal}`),
  })
  const close = async (): Promise<void> => {
    await (temporary ? server.kill() : server.stop())
    if (temporary) rmSync(folder, { recursive: true, force: true })
  }
  try {
    mkdirSync(folder, { recursive: true })
    const ca = tls ? await makeCertificate(folder) : undefined
    const ours = {
      ...brokerSettings({ ports, advertisedPort, users, keystore: tls ? join(folder, 'tls.p12') : undefined }),
      'log.dirs': logDirectory,
      ...settings,
    }
    writeFileSync(
      properties,
      Object.entries(ours)
        .map(([name, value]) => `${name}=${escapeValue(value)}\n`)
        .join(''),
    )
    if (!existsSync(join(logDirectory, 'meta.properties'))) await format(classPath, properties, users)
    await server.start()
    const brokers = [`${HOST}:${advertisedPort}`]
    return Object.assign(controlsOf(server), { brokers, port: ports.client, ca, logDirectory, close })
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * Rejects where no broker can be used yet.
 * A broker that has registered with its controller is in the metadata; until then it would refuse to make topics.
 */
export async function kafkaAnswers(broker: string): Promise<void> {
  const kafka = new Kafka({
    brokers: [broker],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    requestTimeout: 5_000,
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    const { brokers, controller } = await admin.describeCluster()
    if (brokers.length === 0 || controller === null) throw new Error('there is no broker yet')
  } finally {
    await admin.disconnect()
  }
}

/** A properties file reads a backslash as the start of an escape. */
const escapeValue = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')

async function format(classPath: string, properties: string, users: readonly KafkaUser[]): Promise<void> {
  const scram = users
    .filter(({ mechanism }) => mechanism !== 'plain')
    .flatMap(({ mechanism, username, password }) => [
      '--add-scram',
      `${mechanism.toUpperCase()}=[name=${username},password=${password}]`,
    ])
  const clusterId = randomBytes(16).toString('base64url')
  const jvm = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
  const tool = ['kafka.tools.StorageTool', 'format', `--cluster-id=${clusterId}`, '--config', properties, ...scram]
  await run('java', [...jvm, '-cp', classPath, ...tool]).catch((cause: { stdout?: string; message: string }) => {
    throw new OperatorError(`Kafka does not take its settings: ${cause.stdout?.trim() || cause.message}`, { cause })
  })
}

/** Signs itself. @returns the certificate as PEM */
async function makeCertificate(folder: string): Promise<string> {
  const [store, pem] = [join(folder, 'tls.p12'), join(folder, 'tls.crt')]
  const keystore = ['-keystore', store, '-storetype', 'PKCS12', '-storepass', KEYSTORE_PASSWORD, '-alias', 'kafka']
  if (!existsSync(pem)) {
    const subject = ['-dname', 'CN=localhost', '-ext', `san=ip:${HOST},dns:localhost`]
    await run('keytool', [
      '-genkeypair',
      '-keyalg',
      'EC',
      '-groupname',
      'secp256r1',
      '-validity',
      '3650',
      ...subject,
      ...keystore,
    ])
    await run('keytool', ['-exportcert', '-rfc', '-file', pem, ...keystore])
  }
  return readFileSync(pem, 'utf8')
}
