/** A millrace to measure: a process of its own, loaded by another, watched from outside. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startServer, TEST_KEY, type TestServer } from '../../end_to_end/server.ts'
import type { Load, LoadResult } from './load.ts'
import { cpuSeconds, residentBytes } from './process_tree.ts'

export interface BenchServer extends TestServer {
  /** CPU seconds of the whole tree so far. */
  cpuSeconds(): number
  /** Resident bytes of the whole tree. */
  residentBytes(): number
  /** Resolves when everything acknowledged is in the Delta tables. */
  settled(): Promise<void>
  load(load: Omit<Load, 'url' | 'key'>): Promise<LoadResult>
}

/** Ticks keep arriving, so the last few records are always on their way. */
const SETTLED_RECORDS = 15

export async function startBenchServer(env: Readonly<Record<string, string>> = {}): Promise<BenchServer> {
  const server = await startServer({ env })
  return {
    ...server,
    cpuSeconds: () => cpuSeconds(server.pid),
    residentBytes: () => residentBytes(server.pid),
    async settled() {
      for (;;) {
        const { parts } = (await (await server.get('/v1/topology')).json()) as { parts: { lag_records: number }[] }
        if (parts.every((part) => part.lag_records <= SETTLED_RECORDS)) return
        await delay(200)
      }
    },
    async load(load) {
      const argument = JSON.stringify({ ...load, url: server.otlpUrl, key: TEST_KEY })
      const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'load.ts'), argument])
      return JSON.parse(stdout) as LoadResult
    },
  }
}
