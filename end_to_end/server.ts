/** Runs millrace as a user would, as a process of its own, for tests and benches that look at it from outside. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePorts } from '#pipeline/testing/services/ports.ts'

const root = join(import.meta.dirname, '..')
/** Many start at the same time, on a machine that does other things too; how soon it is ready is measured elsewhere. */
const READY_TIMEOUT_MS = 90_000

export const TEST_KEY = 'mr_end2end000000000000000000000000000'

export interface ServerOptions {
  /** A folder that outlives the server; without it the server makes one and takes it away. */
  readonly dataDir?: string
  readonly env?: Readonly<Record<string, string>>
  /** Of `millrace start`: `--roles`, `--stage`. */
  readonly args?: readonly string[]
  /** Where it is started, and looks for `millrace.config.ts`. */
  readonly cwd?: string
  /** Ends it before it is ready. */
  readonly signal?: AbortSignal
  /** In a process group of its own, which a Ctrl-C at the terminal does not reach. */
  readonly detached?: boolean
}

export interface TestServer {
  readonly pid: number
  readonly dataDir: string
  readonly otlpUrl: string
  readonly grpcUrl: string
  readonly httpUrl: string
  /** For PostgreSQL's clients, with user and password. */
  readonly sqlUrl: string
  readonly readySeconds: number
  /** What it has printed, standard output and error together. */
  readonly output: () => string
  /** Rows of a statement, asked with the key of the project `default`. @throws Error with the server's sentence */
  query(sql: string, params?: readonly unknown[]): Promise<unknown[][]>
  get(path: string): Promise<Response>
  /** Resolves with its exit code when it has ended, `null` where a signal did it. */
  readonly ended: Promise<number | null>
  /** Ends it with a signal and waits for its end. @returns its exit code, `null` for one ended by the signal */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** A test that fails in the middle stops none of its own: they do not outlive us. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** @throws Error with what it printed, where it ends before it is ready */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'millrace-'))
  const [grpc, otlp, http, sql] = await freePorts(4)
  const started = performance.now()
  const env = {
    ...process.env,
    MILLRACE_DATA_DIR: dataDir,
    MILLRACE_OTLP_GRPC_PORT: String(grpc),
    MILLRACE_OTLP_HTTP_PORT: String(otlp),
    MILLRACE_HTTP_PORT: String(http),
    MILLRACE_SQL_PORT: String(sql),
    MILLRACE_API_KEY: TEST_KEY,
    MILLRACE_LOG_LEVEL: 'warn',
    ...options.env,
  }
  const child = spawn(process.execPath, [join(root, 'main.ts'), 'start', ...(options.args ?? [])], {
    env,
    cwd: options.cwd,
    detached: options.detached ?? false,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output: string[] = []
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk: Buffer) => void output.push(chunk.toString()))
  running.add(child)
  const exited = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)))
  exited.then(() => running.delete(child))
  const httpUrl = `http://127.0.0.1:${http}`
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal)
    const code = await exited
    if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true })
    return code
  }
  try {
    await ready(child, httpUrl, output, options.signal)
  } catch (error) {
    await end('SIGKILL')
    throw error
  }

  return {
    pid: child.pid!,
    dataDir,
    otlpUrl: `http://127.0.0.1:${otlp}`,
    grpcUrl: `http://127.0.0.1:${grpc}`,
    httpUrl,
    sqlUrl: `postgres://default:${TEST_KEY}@127.0.0.1:${sql}/millrace`,
    readySeconds: (performance.now() - started) / 1000,
    output: () => output.join(''),
    async query(sql, params = []) {
      const headers = { authorization: `Bearer ${TEST_KEY}`, 'content-type': 'application/json' }
      const response = await fetch(`${httpUrl}/v1/query`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ sql, params }),
      })
      const answer = (await response.json()) as { rows?: unknown[][]; detail?: string }
      if (answer.rows === undefined) throw new Error(answer.detail)
      return answer.rows
    },
    get: (path) => fetch(`${httpUrl}${path}`, { headers: { authorization: `Bearer ${TEST_KEY}` } }),
    ended: exited,
    stop: (signal = 'SIGTERM') => end(signal),
  }
}

async function ready(
  child: ChildProcess,
  url: string,
  output: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS
  for (;;) {
    const isReady = await fetch(`${url}/readyz`).then(
      (response) => response.ok,
      () => false,
    )
    if (isReady) return
    signal?.throwIfAborted()
    const end = child.exitCode === null ? child.signalCode : `code ${child.exitCode}`
    if (end !== null) throw new Error(`it ended with ${end}: ${output.join('')}`)
    if (performance.now() > deadline)
      throw new Error(`it is not ready after ${READY_TIMEOUT_MS} ms: ${output.join('')}`)
    await delay(20)
  }
}
