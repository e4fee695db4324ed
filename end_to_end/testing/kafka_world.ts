/**
 * millrace as many processes on real servers: Kafka, a schema registry, PostgreSQL and a lake that they share; and a load
 * that knows what was acknowledged.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestPostgres, type TestPostgres } from '#pipeline/postgres/testing.ts'
import { type KafkaOptions, type KafkaServer, startKafka } from '#pipeline/testing/services/kafka.ts'
import { type RegistryServer, startRegistry } from '#pipeline/testing/services/registry.ts'
import { encodeLogs } from '#schemas/otlp/testing/encode.ts'
import { startServer, TEST_KEY, type TestServer } from '../server.ts'

export const PARTITIONS = 8
const LOGS_PER_EXPORT = 20
/** How long what was acknowledged may take to be seen, on a machine that does ten things at once. */
const SETTLED_WITHIN_MS = 90_000

export interface KafkaWorld {
  readonly kafka: KafkaServer
  readonly registry: RegistryServer
  readonly postgres: TestPostgres
  /** Of the lake they share. */
  readonly lakeFolder: string
  /** What millrace's settings are here. */
  readonly env: Readonly<Record<string, string>>
  /**
   * Starts millrace on it, in a data folder of its own that goes with the world.
   * @throws Error with what it printed, where it ends before it is ready
   */
  start(...args: string[]): Promise<TestServer>
  /** The same with more in its environment. */
  startWith(more: Readonly<Record<string, string>>, ...args: string[]): Promise<TestServer>
  /** @param url of the receiver, asked before each try */
  load(url: () => string, options?: LoadOptions): Load
  /** Events acknowledged to all loads so far. */
  readonly acknowledged: number
  /** Ends all of it, loads too: a test may have failed in the middle. */
  close(): Promise<void>
}

/**
 * @param options of the broker; `kafkaUrl` is what millrace is told instead of the broker's own address, `cwd` where it is
 *   started
 */
export async function createKafkaWorld(
  options: KafkaOptions & { readonly kafkaUrl?: string; readonly cwd?: string } = {},
): Promise<KafkaWorld> {
  const { kafkaUrl, cwd = process.cwd(), ...broker } = options
  const folder = mkdtempSync(join(tmpdir(), 'millrace-world-'))
  const [kafka, registry, postgres] = await Promise.all([startKafka(broker), startRegistry(), createTestPostgres()])
  const lakeFolder = join(folder, 'lake')
  const { host, user, database } = postgres.server.connection
  const env = {
    MILLRACE_LOG: kafkaUrl ?? `kafka://${kafka.brokers.join(',')}`,
    MILLRACE_SCHEMA_REGISTRY_URL: registry.url,
    MILLRACE_POSTGRES_URL: `postgres://${user}@localhost/${database}?host=${encodeURIComponent(host)}`,
    MILLRACE_LAKE: `file:${lakeFolder}`,
    MILLRACE_PARTITIONS: String(PARTITIONS),
  }
  const servers: TestServer[] = []
  const loads: Load[] = []
  const startWith = async (more: Readonly<Record<string, string>>, ...args: string[]) => {
    const dataDir = mkdtempSync(join(folder, 'data-'))
    const server = await startServer({ dataDir, env: { ...env, ...more }, args, cwd })
    servers.push(server)
    return server
  }
  return {
    kafka,
    registry,
    postgres,
    lakeFolder,
    env,
    start: (...args) => startWith({}, ...args),
    startWith,
    load(url, options) {
      const load = new Load(url, options)
      loads.push(load)
      return load
    },
    get acknowledged() {
      return loads.reduce((sum, { acknowledged }) => sum + acknowledged, 0)
    },
    async close() {
      for (const load of loads) load.abandon()
      await Promise.all(servers.map((server) => server.stop('SIGKILL')))
      await Promise.all([kafka.close(), registry.close(), postgres.close()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export interface LoadOptions {
  readonly connections?: number
  /** Of the events' names. */
  readonly prefix?: string
}

/** Sends exports, each again with the same bytes until it is acknowledged, as an SDK does. */
class Load {
  readonly #url: () => string
  readonly #prefix: string
  readonly #senders: Promise<void>[]
  #next = 0
  #sending = true
  #abandoned = false
  acknowledged = 0

  constructor(url: () => string, { connections = 4, prefix = 'load' }: LoadOptions = {}) {
    this.#url = url
    this.#prefix = prefix
    this.#senders = Array.from({ length: connections }, () => this.#send())
  }

  /** Resolves when so many more events are acknowledged. @throws Error where it is abandoned before */
  async more(events: number): Promise<void> {
    const wanted = this.acknowledged + events
    while (this.acknowledged < wanted) {
      if (this.#abandoned) throw new Error('the load was abandoned')
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }

  /** Sends no more; what is under way is acknowledged first. @returns events acknowledged in all */
  async stop(): Promise<number> {
    this.#sending = false
    await Promise.all(this.#senders)
    return this.acknowledged
  }

  /** Sends no more, whatever is under way. */
  abandon(): void {
    this.#sending = false
    this.#abandoned = true
  }

  /** Every acknowledged event is in SQL, and none twice; waits for them. */
  async assertStored(server: TestServer): Promise<void> {
    const deadline = performance.now() + SETTLED_WITHIN_MS
    const wanted = this.acknowledged
    for (;;) {
      const answer = await server
        .query(`select count(*), count(distinct name) from otel_logs_and_spans where name like '${this.#prefix}-%'`)
        .catch((error: Error) => [[-1, -1, error.message]])
      const [rows, distinct] = answer[0].map(Number)
      if (rows >= wanted || performance.now() > deadline) {
        if (rows === wanted && distinct === wanted) return
        const error = answer[0][2] ?? ''
        assert.fail(`${wanted} acknowledged, ${rows} rows, ${distinct} names. ${error}\n${await whereItStands(server)}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }

  async #send(): Promise<void> {
    while (this.#sending) {
      const body = exportOf(this.#prefix, this.#next)
      this.#next += LOGS_PER_EXPORT
      while (!(await this.#isAcknowledged(body))) {
        if (this.#abandoned) return
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      this.acknowledged += LOGS_PER_EXPORT
    }
  }

  async #isAcknowledged(body: Uint8Array): Promise<boolean> {
    const response = await fetch(`${this.#url()}/v1/logs`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', authorization: `Bearer ${TEST_KEY}` },
      body: body as Uint8Array<ArrayBuffer>,
    }).catch(() => null)
    await response?.arrayBuffer().catch(() => {})
    return response?.status === 200
  }
}

/** Of each stage and sink what is not at its end, or not at work. */
async function whereItStands(server: TestServer): Promise<string> {
  const { parts } = (await (await server.get('/v1/topology')).json()) as {
    parts: {
      name: string
      partitions: { partition: number; condition: string; reason: string; lag_records: number }[]
    }[]
  }
  return parts
    .flatMap(({ name, partitions }) =>
      partitions
        .filter(({ condition, lag_records }) => condition !== 'running' || lag_records > 0)
        .map((at) => `${name}/${at.partition} ${at.condition} ${at.lag_records} behind ${at.reason ?? ''}`),
    )
    .join('\n')
}

function exportOf(prefix: string, first: number): Uint8Array {
  const logRecords = Array.from({ length: LOGS_PER_EXPORT }, (_, at) => ({
    timeUnixNano: String(BigInt(Date.now()) * 1_000_000n),
    eventName: `${prefix}-${first + at}`,
    body: { stringValue: `event ${first + at}` },
  }))
  return encodeLogs({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
}
