/**
 * The only file that knows kafkajs. Taken from it: a connection (framing, correlation, TLS, SASL, versions, time limits) and
 * the requests of groups and administration. Its producer and consumer are not used: the one may acknowledge what was never
 * stored, the other pushes, tells nobody of a rebalance and cannot read at an offset (decision 0007).
 *
 * These are its insides, so the version is pinned; the types are what we use of them.
 */
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { WireReader, WireWriter } from './wire.ts'

const require = createRequire(import.meta.url)
const BrokerClass = require('kafkajs/src/broker/index.js')
const ConnectionClass = require('kafkajs/src/network/connection.js')
const createSocketFactory = require('kafkajs/src/network/socketFactory.js')
const { createLogger, LEVELS } = require('kafkajs/src/loggers/index.js')
const { requests } = require('kafkajs/src/protocol/requests/index.js')
const apiKeys = require('kafkajs/src/protocol/requests/apiKeys.js')
const { MemberAssignment, MemberMetadata } = require('kafkajs/src/consumer/assignerProtocol.js')
const { createErrorFromCode, KafkaJSProtocolError } = {
  ...require('kafkajs/src/protocol/error.js'),
  ...require('kafkajs/src/errors.js'),
}

export interface Sasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

export interface Security {
  readonly ssl: boolean | TlsOptions
  readonly sasl: Sasl | null
}

export interface Address {
  readonly host: string
  readonly port: number
}

export interface ConnectOptions extends Address, Security {
  readonly clientId: string
  readonly connectionTimeoutMs: number
  readonly requestTimeoutMs: number
}

/** A request of our own making; kafkajs knows an older form of it, or none. */
export interface Request<T> {
  readonly apiKey: number
  readonly apiVersion: number
  readonly apiName: string
  /** How long the broker may take by itself, ms. */
  readonly waitsMs?: number
  /** About how long it gets, where that is much. */
  readonly sizeHint?: number
  write(to: WireWriter): void
  read(from: WireReader): T
}

interface TopicPartitions<P> {
  readonly topic: string
  readonly partitions: readonly P[]
}

/** What we ask of kafkajs's broker; offsets are text where they are 64 bits wide. */
export interface Broker {
  listOffsets(request: {
    topics: readonly TopicPartitions<{ partition: number; timestamp: number }>[]
  }): Promise<{ responses: readonly TopicPartitions<{ partition: number; offset: string }>[] }>
  createTopics(request: {
    topics: readonly {
      topic: string
      numPartitions: number
      replicationFactor: number
      configEntries: readonly { name: string; value: string }[]
    }[]
    timeout: number
  }): Promise<unknown>
  createPartitions(request: {
    topicPartitions: readonly { topic: string; count: number }[]
    timeout: number
  }): Promise<unknown>
  describeConfigs(request: {
    resources: readonly { type: number; name: string; configNames: readonly string[] }[]
  }): Promise<{ resources: readonly { configEntries: readonly { configName: string; configValue: string }[] }[] }>
  deleteRecords(request: {
    topics: readonly TopicPartitions<{ partition: number; offset: string }>[]
  }): Promise<unknown>
  findGroupCoordinator(request: { groupId: string }): Promise<{ coordinator: Address & { nodeId: number } }>
  /** @throws an error with a {@link requiredMemberId} where it has none */
  joinGroup(request: {
    groupId: string
    sessionTimeout: number
    rebalanceTimeout: number
    memberId: string
    groupProtocols: readonly { name: string; metadata: Buffer }[]
  }): Promise<{
    generationId: number
    leaderId: string
    memberId: string
    members: readonly { memberId: string; memberMetadata: Buffer }[]
  }>
  syncGroup(request: {
    groupId: string
    generationId: number
    memberId: string
    groupAssignment: readonly { memberId: string; memberAssignment: Buffer }[]
  }): Promise<{ memberAssignment: Buffer }>
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>
  offsetCommit(request: {
    groupId: string
    groupGenerationId: number
    memberId: string
    topics: readonly TopicPartitions<{ partition: number; offset: string; metadata: string }>[]
  }): Promise<unknown>
  /** No topics is all of them. */
  offsetFetch(request: { groupId: string; topics: readonly TopicPartitions<{ partition: number }>[] }): Promise<{
    responses: readonly TopicPartitions<{ partition: number; offset: string; metadata: string | null }>[]
  }>
  listGroups(): Promise<{ groups: readonly { groupId: string }[] }>
  deleteGroups(groups: readonly string[]): Promise<{ results: readonly { error?: Error }[] }>
}

/** One connection to one broker. Once it is lost it stays lost. */
export interface BrokerConnection {
  readonly broker: Broker
  readonly isLost: boolean
  send<T>(request: Request<T>): Promise<T>
  /** At once: requests under way fail. */
  close(): void
}

/** @throws kafkajs's errors, as all requests do: see `failures.ts` */
export async function connect(options: ConnectOptions): Promise<BrokerConnection> {
  const connection = new ConnectionClass({
    host: options.host,
    port: options.port,
    ssl: options.ssl === false ? null : options.ssl === true ? {} : options.ssl,
    // Each its own: kafkajs hangs the state of signing in on what it is given.
    sasl: options.sasl && { ...options.sasl },
    clientId: options.clientId,
    connectionTimeout: options.connectionTimeoutMs,
    requestTimeout: options.requestTimeoutMs,
    logger: SILENT,
    socketFactory: createSocketFactory(),
  })
  withoutBusyTimer(connection.requestQueue)
  const broker = new BrokerClass({
    connectionPool: asPool(connection, options),
    logger: SILENT,
    authenticationTimeout: options.connectionTimeoutMs,
    allowAutoTopicCreation: false,
  })
  // Its own asks a second time by itself, and keeps from us under which id.
  broker.joinGroup = (request: object) =>
    connection.send(
      broker.lookupRequest(apiKeys.JoinGroup, requests.JoinGroup)({ protocolType: 'consumer', ...request }),
    )
  let isClosed = false
  const close = () => {
    if (isClosed) return
    isClosed = true
    // Waits for what is under way otherwise, which a broker that hangs never ends.
    connection.rejectRequests(
      new KafkaJSProtocolError({ type: CLOSED, message: 'the connection was closed', retriable: true }),
    )
    void connection.disconnect()
    ;(connection.socket as Socket | undefined)?.destroy()
  }
  try {
    await broker.connect()
  } catch (error) {
    close()
    throw error
  }
  return {
    broker,
    get isLost() {
      return isClosed || !connection.isConnected()
    },
    send: (request) => connection.send(asKafkajs(request)),
    close,
  }
}

const CLOSED = 'CONNECTION_CLOSED'
const SILENT = createLogger({ level: LEVELS.NOTHING, logCreator: () => () => {} })

/** A broker wants a pool of two connections that come back by themselves; each of ours has its purpose, and ends once. */
function asPool(connection: unknown & Record<string, (...args: never[]) => unknown>, options: ConnectOptions): object {
  let isConnecting = false
  return {
    host: options.host,
    port: options.port,
    sasl: options.sasl,
    connectionTimeout: options.connectionTimeoutMs,
    isConnected: () => connection.isConnected(),
    isAuthenticated: () => connection.isAuthenticated(),
    setVersions: (versions: never) => connection.setVersions(versions),
    setSupportAuthenticationProtocol: (is: never) => connection.setSupportAuthenticationProtocol(is),
    send: (request: never) => connection.send(request),
    destroy: async () => {},
    async getConnection() {
      if (!isConnecting) {
        isConnecting = true
        await connection.connect()
      }
      return connection
    },
  }
}

/** After the first answer its queue would look every millisecond, for ever, whether anything is to be sent. */
function withoutBusyTimer(queue: { pending: unknown[]; scheduleCheckPendingRequests(): void }): void {
  const schedule = queue.scheduleCheckPendingRequests.bind(queue)
  queue.scheduleCheckPendingRequests = () => {
    if (queue.pending.length > 0) schedule()
  }
}

function asKafkajs<T>({ apiKey, apiVersion, apiName, waitsMs, sizeHint, write, read }: Request<T>) {
  return {
    request: {
      apiKey,
      apiVersion,
      apiName,
      async encode() {
        const writer = new WireWriter(sizeHint)
        write(writer)
        return { buf: writer.buffer, buffer: writer.buffer }
      },
    },
    response: {
      decode: async (bytes: Buffer) => read(new WireReader(bytes)),
      parse: async (decoded: T) => decoded,
    },
    requestTimeout: waitsMs === undefined ? null : waitsMs + NETWORK_MS,
  }
}

const NETWORK_MS = 5_000

/** @throws kafkajs's error of this code, unless it is 0 */
export function checkErrorCode(code: number): void {
  if (code !== 0) throw createErrorFromCode(code)
}

/** Version 0 of the consumer protocol, so that Kafka's own tools show who has what. */
export const memberMetadata = {
  encode: (topics: readonly string[], userData: Buffer): Buffer =>
    MemberMetadata.encode({ version: 0, topics, userData }),
  decode: (bytes: Buffer): { topics: readonly string[]; userData: Buffer } => MemberMetadata.decode(bytes),
}

/** Partitions by topic. */
export const memberAssignment = {
  encode: (assignment: Readonly<Record<string, readonly number[]>>, userData: Buffer): Buffer =>
    MemberAssignment.encode({ version: 0, assignment, userData }),
  decode: (bytes: Buffer): { assignment: Readonly<Record<string, readonly number[]>>; userData: Buffer } =>
    MemberAssignment.decode(bytes) ?? { assignment: {}, userData: Buffer.alloc(0) },
}

/** The protocol's name for an error a broker answered with, as `NOT_LEADER_FOR_PARTITION`. */
export function protocolError(error: unknown): string | undefined {
  const { type } = (error ?? {}) as { type?: string }
  return type === CLOSED ? undefined : type
}

/** The id a member has to join with, where a broker has refused a join for want of it (KIP-394). */
export function requiredMemberId(error: unknown): string | null {
  const { name, memberId } = (error ?? {}) as { name?: string; memberId?: string }
  return name === 'KafkaJSMemberIdRequired' ? memberId! : null
}

/** Cut, timed out, or never made: whether the broker did what it was asked nobody knows. */
export function isConnectionError(error: unknown): boolean {
  const { name, type } = (error ?? {}) as { name?: string; type?: string }
  return type === CLOSED || (name?.startsWith('KafkaJSConnection') ?? false) || name === 'KafkaJSRequestTimeoutError'
}
