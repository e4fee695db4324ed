/**
 * A PostgreSQL server of our own, in a folder: nothing to set up. It listens on a Unix socket in that folder only, which
 * nobody but the folder's owner can enter, so it needs neither port nor password.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { OperatorError } from '../errors/errors.ts'
import { type Binaries, findBinaries, run } from './binaries.ts'
import { isServerOf } from './orphan.ts'
import { ownerOf, type Person, unprivileged } from './unprivileged.ts'

const USER = 'millrace'
const DATABASE = 'millrace'
const START_TIMEOUT_MS = 60_000
/** A fast shutdown writes a checkpoint: on a slow disk that takes seconds. */
const STOP_TIMEOUT_MS = 30_000
const POLL_MS = 25
const RESTART_MS = 500
/** A socket's path may have 107 bytes (unix(7)); the file's name takes 16. */
const MAX_SOCKET_FOLDER = 90

/** Small, and as durable as PostgreSQL is: it holds settings and projections, not telemetry. */
const SERVER_SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  shared_buffers: '32MB',
  max_wal_size: '256MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  autovacuum_max_workers: '1',
  max_logical_replication_workers: '0',
  io_method: 'sync',
  jit: 'off',
  log_min_messages: 'warning',
  log_checkpoints: 'off',
  // After a crash all files are flushed first: a thousand times fsync took seconds on a busy disk.
  ...(process.platform === 'linux' && { recovery_init_sync_method: 'syncfs' }),
}

/**
 * Runs the server as a child that outlives neither us nor a `kill -9` of us: when our end of the pipe closes, it shuts
 * down. A session of its own (setsid) keeps a terminal's Ctrl-C away from it: we still write to it while we end.
 */
const GUARD = `
exec 3<&0
"$@" 3<&- </dev/null & server=$!
{ read -r _ <&3; kill -INT "$server"; } & guard=$!
wait "$server"; code=$?
kill "$guard" 2>/dev/null
exit "$code"`

export interface EmbeddedPostgresOptions {
  /** The server's folder, absolute; made if it does not exist. */
  readonly directory: string
  /** 40 without it. A process of ours takes twelve at most. */
  readonly maxConnections?: number
  /** Told of what the server complains about, and of its restarts. */
  readonly warn?: (message: string) => void
}

export interface EmbeddedPostgres {
  /** How clients reach it. */
  readonly connection: { readonly host: string; readonly user: string; readonly database: string }
  /** Of the server process. */
  readonly pid: () => number | undefined
  /** Lets what runs be rolled back, writes a checkpoint, ends. */
  close(): Promise<void>
}

/** @throws OperatorError where there is no PostgreSQL for this machine, or the folder is damaged or of another version */
export async function createEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { directory, maxConnections = 40, warn = () => {} } = options
  const binaries = await findBinaries()
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const dataFolder = join(directory, 'data')
  const person = unprivileged(existsSync(dataFolder) ? ownerOf(dataFolder) : undefined)
  const socketFolder = prepareSocketFolder(directory, person)
  person?.own(directory)
  if (!existsSync(dataFolder)) await initialize(dataFolder, binaries, person)
  checkVersion(dataFolder, binaries)
  const connection = { host: socketFolder, user: USER, database: DATABASE }

  const closing = new AbortController()
  const first = await start()
  const supervised = supervise(first)
  const close = async (): Promise<void> => {
    closing.abort()
    await supervised
  }
  await createDatabase(socketFolder).catch(async (error: unknown) => {
    // It would run on, and we with it.
    await close()
    throw error
  })

  async function start(): Promise<Server> {
    await stopOrphan(dataFolder)
    const started = new Server(dataFolder, socketFolder, binaries, person, maxConnections, warn)
    await started.ready(socketFolder)
    return started
  }
  /** A server that dies is started again; who asked meanwhile gets a TransientError and comes again. */
  async function supervise(server: Server | null): Promise<void> {
    for (;;) {
      const reason = server === null ? 'is down' : await Promise.race([server.exited, aborted(closing.signal)])
      if (closing.signal.aborted) return server?.stop()
      warn(`PostgreSQL ${reason}; starting it again`)
      await delay(RESTART_MS, undefined, { signal: closing.signal }).catch(() => {})
      if (closing.signal.aborted) return
      server = await start().catch((error: Error) => {
        warn(error.message)
        return null
      })
    }
  }
  return {
    connection,
    pid: () => postmasterPid(dataFolder),
    close,
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

class Server {
  readonly #child: ChildProcess
  /** What it said last: why it did not start. */
  readonly #said: string[] = []
  /** Resolves with how it ended. */
  readonly exited: Promise<string>
  #running = true

  constructor(
    dataFolder: string,
    socketFolder: string,
    { bin }: Binaries,
    person: Person | null,
    maxConnections: number,
    warn: (message: string) => void,
  ) {
    const own = { unix_socket_directories: socketFolder, max_connections: String(maxConnections) }
    const settings = { ...SERVER_SETTINGS, ...own }
    const command = [
      ...(person?.command ?? []),
      join(bin, 'postgres'),
      '-D',
      dataFolder,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ]
    this.#child = spawn('/bin/sh', ['-c', GUARD, 'postgres', ...command], {
      stdio: ['pipe', 'ignore', 'pipe'],
      detached: true,
      cwd: '/',
    })
    this.#child.stdin!.on('error', () => {})
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n').filter((each) => each !== '')) {
        this.#said.push(line)
        if (this.#said.length > 20) this.#said.shift()
        if (/ (WARNING|ERROR|PANIC): {2}/.test(line)) warn(`PostgreSQL: ${line}`)
      }
    })
    this.exited = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(`could not be run: ${error.message}`))
      this.#child.once('exit', (code, signal) => resolve(`ended (${signal ?? `code ${code}`})`))
    })
    this.exited.then(() => {
      this.#running = false
    })
  }

  /** @throws OperatorError with what it said, where it ends before it takes connections */
  async ready(host: string): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS
    for (;;) {
      const client = new pg.Client({ host, user: USER, database: 'postgres', connectionTimeoutMillis: 5_000 })
      client.on('error', () => {})
      try {
        await client.connect()
        await client.end()
        return
      } catch (error) {
        // Not awaited: of a connection that broke while it was made, the end may never be told.
        client.end().catch(() => {})
        const late = performance.now() > deadline
        if (late || !this.#running) {
          if (late) await this.stop()
          throw new OperatorError(
            `PostgreSQL ${late ? 'did not get ready' : await this.exited}: ${this.#said.slice(-5).join('\n') || (error as Error).message}`,
            { cause: error },
          )
        }
      }
      await delay(POLL_MS)
    }
  }

  async stop(): Promise<void> {
    this.#child.stdin!.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await this.exited
    clearTimeout(timer)
  }
}

/** Made whole or not at all: a folder half made by a process that was killed is made anew. */
async function initialize(dataFolder: string, { bin }: Binaries, person: Person | null): Promise<void> {
  const half = `${dataFolder}.new`
  rmSync(half, { recursive: true, force: true })
  mkdirSync(half, { mode: 0o700 })
  person?.own(half)
  await run([
    ...(person?.command ?? []),
    join(bin, 'initdb'),
    ...['-D', half, `--username=${USER}`, '--auth=trust', '--encoding=UTF8', '--no-instructions'],
    ...['--locale-provider=builtin', '--locale=C.UTF-8', '--data-checksums'],
  ])
  renameSync(half, dataFolder)
}

function checkVersion(dataFolder: string, { major }: Binaries): void {
  const version = readFileSync(join(dataFolder, 'PG_VERSION'), 'utf8').trim()
  if (version === String(major)) return
  throw new OperatorError(
    `${dataFolder} was made by PostgreSQL ${version}, millrace has ${major}: dump it with the version that made it and restore it, or set MILLRACE_POSTGRES_URL to a server of your own`,
  )
}

/** In the server's folder; where that path is too long for a socket, in the system's folder for such things. */
function prepareSocketFolder(directory: string, person: Person | null): string {
  const own = join(directory, 'run')
  const folder = Buffer.byteLength(own) <= MAX_SOCKET_FOLDER ? own : shortFolder(directory)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // In a folder that others write to, a link or a folder of somebody else's may already lie in wait.
  const stat = lstatSync(folder)
  const ours = [process.getuid?.() ?? stat.uid, person?.uid]
  if (!stat.isDirectory() || !ours.includes(stat.uid) || (stat.mode & 0o077) !== 0) {
    throw new OperatorError(`${folder} is not ours alone: take it away, or use a data folder with a shorter path`)
  }
  person?.own(folder)
  return folder
}

function shortFolder(directory: string): string {
  const { ino, dev } = statSync(directory)
  return join('/tmp', `millrace-${dev.toString(36)}-${ino.toString(36)}`)
}

async function createDatabase(host: string): Promise<void> {
  const client = new pg.Client({ host, user: USER, database: 'postgres' })
  await client.connect()
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [DATABASE])
    if (rowCount === 0) await client.query(`create database ${DATABASE}`)
  } finally {
    await client.end()
  }
}

/**
 * Ends a server that still runs on the folder: its guard was killed with us. Two servers on a folder are impossible
 * anyway (PostgreSQL looks), and the folder is ours alone (the log's lock), so nobody else can be using it.
 */
async function stopOrphan(dataFolder: string): Promise<void> {
  const pid = postmasterPid(dataFolder)
  if (pid === undefined || !isServerOf(pid, dataFolder)) return
  process.kill(pid, 'SIGINT')
  const deadline = performance.now() + STOP_TIMEOUT_MS
  while (isServerOf(pid, dataFolder)) {
    if (performance.now() > deadline)
      throw new OperatorError(`an old PostgreSQL, process ${pid}, does not end: kill it`)
    await delay(POLL_MS)
  }
}

/** First line of `postmaster.pid`. */
function postmasterPid(dataFolder: string): number | undefined {
  try {
    return Number(readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8').split('\n', 1)[0])
  } catch {
    return undefined
  }
}
