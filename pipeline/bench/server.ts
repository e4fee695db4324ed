/** Starts millrace as a user would, in a folder of its own, and measures its process tree from outside (`/proc`). */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Load, LoadResult } from './load.ts'

const root = join(import.meta.dirname, '../..')
const TICKS_PER_SECOND = 100

export const BENCH_KEY = 'mr_bench0000000000000000000000000000'

export interface BenchServer {
  readonly directory: string
  readonly otlpUrl: string
  readonly httpUrl: string
  readonly readySeconds: number
  /** CPU seconds of the whole tree so far. */
  cpuSeconds(): number
  /** Resident bytes of the whole tree. */
  residentBytes(): number
  /** Resolves when everything acknowledged is in the Delta tables. */
  settled(): Promise<void>
  query(sql: string): Promise<unknown[][]>
  metrics(): Promise<string>
  load(load: Omit<Load, 'url' | 'key'>): Promise<LoadResult>
  close(): Promise<void>
}

export async function startBenchServer(ports = 25_000): Promise<BenchServer> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  const env = {
    ...process.env,
    MILLRACE_DATA_DIR: directory,
    MILLRACE_OTLP_GRPC_PORT: String(ports),
    MILLRACE_OTLP_HTTP_PORT: String(ports + 1),
    MILLRACE_HTTP_PORT: String(ports + 2),
    MILLRACE_API_KEY: BENCH_KEY,
    MILLRACE_LOG_LEVEL: 'warn',
  }
  const started = performance.now()
  const child: ChildProcess = spawn(process.execPath, [join(root, 'main.ts'), 'start'], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const httpUrl = `http://127.0.0.1:${ports + 2}`
  const otlpUrl = `http://127.0.0.1:${ports + 1}`
  while (!(await isReady(httpUrl))) {
    if (child.exitCode !== null) throw new Error(`the server ended with code ${child.exitCode}`)
    await delay(20)
  }
  const readySeconds = (performance.now() - started) / 1000
  const headers = { authorization: `Bearer ${BENCH_KEY}`, 'content-type': 'application/json' }
  const exited = new Promise<void>((resolve) => child.on('exit', () => resolve()))

  return {
    directory,
    otlpUrl,
    httpUrl,
    readySeconds,
    cpuSeconds: () => tree(child.pid!).reduce((sum, pid) => sum + cpuOf(pid), 0),
    residentBytes: () => tree(child.pid!).reduce((sum, pid) => sum + residentOf(pid), 0),
    async settled() {
      for (;;) {
        const response = await fetch(`${httpUrl}/v1/topology`, { headers })
        const { parts } = (await response.json()) as { parts: { lag_records: number }[] }
        // Ticks keep arriving, so the last few records are always on their way.
        if (parts.every((part) => part.lag_records <= 15)) return
        await delay(200)
      }
    },
    async query(sql) {
      const response = await fetch(`${httpUrl}/v1/query`, { method: 'POST', headers, body: JSON.stringify({ sql }) })
      const answer = (await response.json()) as { rows?: unknown[][]; message?: string }
      if (answer.rows === undefined) throw new Error(answer.message)
      return answer.rows
    },
    metrics: async () => (await fetch(`${httpUrl}/metrics`)).text(),
    async load(load) {
      const argument = JSON.stringify({ ...load, url: otlpUrl, key: BENCH_KEY })
      const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'load.ts'), argument])
      return JSON.parse(stdout) as LoadResult
    },
    async close() {
      child.kill('SIGTERM')
      await exited
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`).then(
    (response) => response.ok,
    () => false,
  )
}

/** The process and all below it. */
function tree(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const fields = stat(Number(name))
    if (fields !== null) children.set(Number(fields[1]), [...(children.get(Number(fields[1])) ?? []), Number(name)])
  }
  const all = [root]
  for (let at = 0; at < all.length; at++) all.push(...(children.get(all[at]) ?? []))
  return all
}

/** Fields of /proc/<pid>/stat from the third on (proc(5)); index 0 is the state, 1 the parent. */
function stat(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}

function cpuOf(pid: number): number {
  const fields = stat(pid)
  return fields === null ? 0 : (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

function residentOf(pid: number): number {
  const fields = stat(pid)
  return fields === null ? 0 : Number(fields[21]) * 4096
}
