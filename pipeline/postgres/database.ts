/** A connection to PostgreSQL, embedded or not: bounded, with errors of our kinds. */
import { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { InvariantError, OperatorError, TransientError } from '../errors/errors.ts'

export interface Connection {
  /**
   * Rows as objects by column name. `bigint` comes as a number: nothing counted here reaches 2^53.
   * @throws TransientError where the world failed; pg.DatabaseError where the statement is wrong or a constraint holds
   */
  query<Row extends object>(sql: string, params?: readonly unknown[]): Promise<Row[]>
}

export interface Transaction extends Connection {
  /** Writes chunks of `COPY … FROM STDIN` text. @throws as `query` */
  copy(sql: string, chunks: Iterable<string | Uint8Array>): Promise<void>
}

export interface Database extends Connection {
  /**
   * All of `work` or nothing; on one connection.
   * @throws as `query`, and what `work` throws, as it is; InvariantError where `work` hid that a statement failed
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>
  /**
   * Hears `NOTIFY channel`. `heard` is also called whenever the connection is made anew: something may have been missed.
   * @returns stops listening
   */
  listen(channel: string, heard: () => void): () => void
  /** Waits for what is asked; not for a server that does not answer any more. */
  close(): Promise<void>
}

export interface DatabaseOptions {
  /** A URL (`postgres://…`, with `sslmode` and the like), or what to connect to. */
  readonly connection: string | { readonly host: string; readonly user: string; readonly database: string }
  readonly maxConnections?: number
  /** The most a statement may take. */
  readonly timeoutMs?: number
  /** Where the server does not keep that limit, because it has gone: when to stop waiting for it. */
  readonly queryTimeoutMs?: number
  /** What is looked for where no schema is named. */
  readonly schema?: string
  readonly warn?: (message: string) => void
}

const CONNECT_TIMEOUT_MS = 5_000
const RELISTEN_MS = 1_000
const CLOSE_TIMEOUT_MS = 5_000

/** Connects when first asked: PostgreSQL may be away at the start. */
export function createDatabase(options: DatabaseOptions): Database {
  const { connection, maxConnections = 8, timeoutMs = 30_000, schema = 'millrace', warn = () => {} } = options
  const { queryTimeoutMs = timeoutMs + 5_000 } = options
  // Ours to end: pg waits for the server to close them, which one that has frozen never does.
  const sockets = new Set<Socket>()
  const config: pg.PoolConfig = {
    ...(typeof connection === 'string' ? { connectionString: connection } : connection),
    application_name: 'millrace',
    max: maxConnections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: timeoutMs,
    query_timeout: queryTimeoutMs,
    idle_in_transaction_session_timeout: timeoutMs,
    keepAlive: true,
    stream: () => {
      const socket = new Socket()
      sockets.add(socket)
      return socket.once('close', () => sockets.delete(socket))
    },
    options: `-c search_path=${schema}`,
    types,
  }
  const pool = new pg.Pool(config)
  // A connection that breaks while idle: the next question gets another.
  pool.on('error', () => {})
  const listeners = new Set<() => void>()
  return {
    query: (sql, params) => ask(pool, sql, params),
    async transaction(work) {
      const client = await pool.connect().catch(rethrow)
      client.on('error', ignore)
      // Nobody knows where the connection stands: it is ended, and the server rolls back.
      let lost = false
      const told = <T>(asked: Promise<T>): Promise<T> =>
        asked.catch((error: unknown) => {
          lost ||= error instanceof TransientError && !(error.cause instanceof pg.DatabaseError)
          throw error
        })
      try {
        await told(run(client, 'begin'))
        const result = await work({
          query: (sql, params) => told(ask(client, sql, params)),
          copy: (sql, chunks) => told(pipeline(chunks, client.query(copyFrom(sql)) as Writable).catch(rethrow)),
        })
        const { command } = await told(run(client, 'commit'))
        // PostgreSQL's answer where a statement had failed: all was rolled back.
        if (command !== 'COMMIT')
          throw new InvariantError('a statement of the transaction had failed: nothing was kept')
        return result
      } catch (error) {
        if (!lost) await told(run(client, 'rollback')).catch(ignore)
        throw error
      } finally {
        client.off('error', ignore)
        client.release(lost)
      }
    },
    listen(channel, heard) {
      const stop = listen(config, channel, heard, warn)
      listeners.add(stop)
      return () => {
        listeners.delete(stop)
        stop()
      }
    },
    async close() {
      for (const stop of listeners) stop()
      const timeout = new AbortController()
      await Promise.race([pool.end(), delay(CLOSE_TIMEOUT_MS, undefined, { signal: timeout.signal }).catch(ignore)])
      timeout.abort()
      for (const socket of sockets) socket.destroy()
    },
  }
}

const ignore = () => {}

async function ask<Row extends object>(
  client: pg.Pool | pg.PoolClient,
  sql: string,
  params?: readonly unknown[],
): Promise<Row[]> {
  return (await run<Row>(client, sql, params)).rows
}

function run<Row extends object>(
  client: pg.Pool | pg.PoolClient,
  sql: string,
  params: readonly unknown[] = [],
): Promise<pg.QueryResult<Row>> {
  return client.query<Row>(sql, [...params]).catch(rethrow)
}

function rethrow(error: unknown): never {
  throw ourError(error)
}

/** A connection of its own that is made anew for as long as anybody listens. */
function listen(config: pg.ClientConfig, channel: string, heard: () => void, warn: (message: string) => void) {
  let stopped = false
  let client: pg.Client
  let timer: NodeJS.Timeout | undefined
  let told = false
  const again = () => {
    client.removeAllListeners('end')
    client.end().catch(() => {})
    if (stopped || timer !== undefined) return
    timer = setTimeout(() => {
      timer = undefined
      connect()
    }, RELISTEN_MS)
  }
  const connect = () => {
    client = new pg.Client({ ...config, statement_timeout: 0, query_timeout: 0 })
    client.on('error', ignore)
    client.once('end', again)
    client.on('notification', heard)
    client
      .connect()
      .then(() => client.query(`listen ${channel}`))
      .then(() => {
        told = false
        if (!stopped) heard()
      })
      .catch((error: Error) => {
        if (!told && !stopped) warn(`PostgreSQL cannot be listened to: ${error.message}; trying again`)
        told = true
        again()
      })
  }
  connect()
  return () => {
    stopped = true
    clearTimeout(timer)
    client.end().catch(() => {})
  }
}

/** int8 and numeric as numbers, dates as text: nothing here reaches 2^53, and a day has no time zone. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === pg.types.builtins.INT8 || oid === pg.types.builtins.NUMERIC) return Number
    if (oid === pg.types.builtins.DATE) return (text: string) => text
    return pg.types.getTypeParser(oid, format as 'text')
  }) as typeof pg.types.getTypeParser,
}

/**
 * Classes and codes (PostgreSQL, appendix A) after which trying again is right. 25006: still connected to what has become
 * a standby; there is another server to find.
 */
const TRANSIENT = /^(08...|53...|57P0[1-5]|57014|40001|40P01|55P03|25P03|25006)$/
const REFUSED = /^(28...|3D000)$/
const NETWORK =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ENOENT|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ERR_STREAM_PREMATURE_CLOSE)$/

/** Node's codes for a certificate that proves nothing (tls, "X509 certificate error codes"). */
const UNPROVEN =
  /^(ERR_TLS_CERT_ALTNAME_INVALID|CERT_.*|.*SELF_SIGNED_CERT.*|UNABLE_TO_(GET|VERIFY|DECRYPT|DECODE)_.*)$/

/** What pg throws, in our kinds; anything else as it is. */
function ourError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof TransientError) return error
  const { code, message } = error as Error & { code?: string }
  if (error instanceof pg.DatabaseError && REFUSED.test(code ?? '')) {
    return new OperatorError(`PostgreSQL refuses millrace: ${message}. Check MILLRACE_POSTGRES_URL.`, { cause: error })
  }
  if (UNPROVEN.test(code ?? '') || /does not support SSL/.test(message)) {
    return new OperatorError(
      `PostgreSQL does not prove who it is: ${message}. Check sslmode and sslrootcert in MILLRACE_POSTGRES_URL.`,
      { cause: error },
    )
  }
  if (!isTransient(error, code)) return error
  return new TransientError(`PostgreSQL: ${message || code}`, { cause: error })
}

function isTransient(error: Error, code: string | undefined): boolean {
  if (error instanceof pg.DatabaseError) return TRANSIENT.test(code ?? '')
  if (code !== undefined) return NETWORK.test(code)
  return /timeout|Connection terminated|not queryable|Cannot use a pool/i.test(error.message)
}
