/** A connection to PostgreSQL, embedded or not: bounded, with errors of our kinds. */
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { OperatorError, TransientError } from '../errors/errors.ts'

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
  /** All of `work` or nothing; on one connection. @throws as `query`, and what `work` throws */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>
  /**
   * Hears `NOTIFY channel`. `heard` is also called whenever the connection is made anew: something may have been missed.
   * @returns stops listening
   */
  listen(channel: string, heard: () => void): () => void
  close(): Promise<void>
}

export interface DatabaseOptions {
  /** A URL (`postgres://…`, with `sslmode` and the like), or what to connect to. */
  readonly connection: string | { readonly host: string; readonly user: string; readonly database: string }
  readonly maxConnections?: number
  /** The most a statement may take. */
  readonly timeoutMs?: number
  /** What is looked for where no schema is named. */
  readonly schema?: string
  readonly warn?: (message: string) => void
}

const CONNECT_TIMEOUT_MS = 5_000
const RELISTEN_MS = 1_000

/** Connects when first asked: PostgreSQL may be away at the start. */
export function createDatabase(options: DatabaseOptions): Database {
  const { connection, maxConnections = 8, timeoutMs = 30_000, schema = 'millrace', warn = () => {} } = options
  const config: pg.PoolConfig = {
    ...(typeof connection === 'string' ? { connectionString: connection } : connection),
    application_name: 'millrace',
    max: maxConnections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: timeoutMs,
    // The server's own time limit does not help where the server has gone.
    query_timeout: timeoutMs + 5_000,
    idle_in_transaction_session_timeout: timeoutMs,
    keepAlive: true,
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
      let broken = false
      try {
        await client.query('begin')
        const result = await work({
          query: (sql, params) => ask(client, sql, params),
          copy: (sql, chunks) => pipeline(chunks, client.query(copyFrom(sql)) as Writable).catch(rethrow),
        })
        await client.query('commit')
        return result
      } catch (error) {
        await client.query('rollback').catch(() => {
          broken = true
        })
        throw ourError(error)
      } finally {
        client.off('error', ignore)
        client.release(broken)
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
      await pool.end()
    },
  }
}

const ignore = () => {}

async function ask<Row extends object>(
  client: pg.Pool | pg.PoolClient,
  sql: string,
  params: readonly unknown[] = [],
): Promise<Row[]> {
  try {
    return (await client.query<Row>(sql, [...params])).rows
  } catch (error) {
    throw ourError(error)
  }
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

/** Classes and codes (PostgreSQL, appendix A) after which trying again is right. */
const TRANSIENT = /^(08...|53...|57P0[1-5]|57014|40001|40P01|55P03|25P03)$/
const NETWORK =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ENOENT|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/

/** What pg throws, in our kinds; anything else as it is. */
function ourError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { code, message } = error as Error & { code?: string }
  if (code !== undefined && /^28|^3D000$/.test(code)) {
    return new OperatorError(`PostgreSQL refuses millrace: ${message}. Check MILLRACE_POSTGRES_URL.`, { cause: error })
  }
  const isTransient =
    code !== undefined
      ? TRANSIENT.test(code) || NETWORK.test(code)
      : /timeout|Connection terminated|not queryable|Cannot use a pool/i.test(message)
  if (!isTransient || error instanceof TransientError) return error
  return new TransientError(`PostgreSQL: ${message || code}`, { cause: error })
}
