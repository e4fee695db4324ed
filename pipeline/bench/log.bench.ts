/**
 * Durable appends: SQLite in a worker against segment files, both with group commit.
 * `node pipeline/bench/log.bench.ts [megabytes] [folder]`; decision record: `../docs/decisions/0001-segment-files.md`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { createEmbeddedLog } from '#pipeline/log/embedded/embedded.ts'

interface Subject {
  append(value: Uint8Array): Promise<void>
  close(): Promise<void>
}

/** Appends in flight: what receivers and stages together have. */
const WRITERS = 16

if (isMainThread) await main()
else serveSqlite()

async function main(): Promise<void> {
  const megabytes = Number(process.argv[2] ?? 1024)
  const folder = process.argv[3] ?? tmpdir()
  console.log('| log | record | MB/s | CPU-s per GB | p50 ms | p99 ms | longest main-thread block ms |')
  console.log('| --- | --- | --- | --- | --- | --- | --- |')
  for (const recordBytes of [200_000, 5_000]) {
    for (const [name, open] of Object.entries({ 'SQLite, worker': openSqlite, 'segment files': openSegments })) {
      const directory = await mkdtemp(join(folder, 'millrace-bench-'))
      const subject = await open(directory)
      const line = await measure(subject, recordBytes, (megabytes * 1e6) / recordBytes)
      await rm(directory, { recursive: true })
      console.log(`| ${name} | ${recordBytes / 1000} KB | ${line.join(' | ')} |`)
    }
  }
}

async function measure(subject: Subject, recordBytes: number, count: number): Promise<string[]> {
  const values = Array.from({ length: WRITERS }, (_, i) => Buffer.alloc(recordBytes, `record of writer ${i} `))
  const latencies: number[] = []
  let left = count
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  const cpu = process.cpuUsage()
  const start = performance.now()
  await Promise.all(
    values.map(async (value) => {
      while (left-- > 0) {
        const asked = performance.now()
        await subject.append(value)
        latencies.push(performance.now() - asked)
      }
    }),
  )
  // Closing is part of the price: SQLite moves what is in its write-ahead log then.
  await subject.close()
  const seconds = (performance.now() - start) / 1000
  const used = process.cpuUsage(cpu)
  delay.disable()
  const gigabytes = (count * recordBytes) / 1e9
  latencies.sort((a, b) => a - b)
  const at = (part: number) => latencies[Math.floor(latencies.length * part)].toFixed(1)
  const cpuSeconds = (used.user + used.system) / 1e6
  return [
    ((gigabytes * 1000) / seconds).toFixed(0),
    (cpuSeconds / gigabytes).toFixed(2),
    at(0.5),
    at(0.99),
    (delay.max / 1e6 - 10).toFixed(0),
  ]
}

async function openSegments(directory: string): Promise<Subject> {
  const log = await createEmbeddedLog({ directory })
  await log.createTopics([{ name: 'bench', partitions: 1, retentionMs: 3_600_000, retentionBytes: null }])
  return {
    async append(value) {
      await log.append([{ topic: 'bench', partition: 0, value, timestamp: 1 }])
    },
    close: () => log.close(),
  }
}

async function openSqlite(directory: string): Promise<Subject> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { directory } })
  let waiting: { value: Uint8Array; resolve: () => void }[] = []
  let committing: (() => void)[] | null = null
  const send = () => {
    if (committing !== null || waiting.length === 0) return
    committing = waiting.map(({ resolve }) => resolve)
    worker.postMessage(waiting.map(({ value }) => value))
    waiting = []
  }
  worker.on('message', () => {
    const done = committing!
    committing = null
    send()
    for (const resolve of done) resolve()
  })
  return {
    append: (value) =>
      new Promise((resolve) => {
        waiting.push({ value, resolve })
        send()
      }),
    async close() {
      worker.postMessage('close')
      await new Promise((resolve) => worker.once('exit', resolve))
    },
  }
}

/** One file per segment of 256 MB, as the first design had it. */
function serveSqlite(): void {
  const { directory } = workerData as { directory: string }
  let written = 0
  let segment = openSegment(0)
  let offset = 0

  function openSegment(number: number) {
    const database = new DatabaseSync(join(directory, `${number}.sqlite`))
    database.exec(`pragma page_size = 32768; pragma journal_mode = wal; pragma synchronous = full;
      pragma wal_autocheckpoint = 1024;
      create table records (record_offset integer primary key, timestamp integer, key blob, value blob)`)
    return { database, insert: database.prepare('insert into records values (?, ?, null, ?)') }
  }

  parentPort!.on('message', (values: Uint8Array[] | 'close') => {
    if (values === 'close') {
      segment.database.close()
      parentPort!.close()
      return
    }
    segment.database.exec('begin immediate')
    for (const value of values) {
      segment.insert.run(offset++, 1, value)
      written += value.length
    }
    segment.database.exec('commit')
    parentPort!.postMessage('done')
    if (written >= 256 * 2 ** 20) {
      segment.database.close()
      segment = openSegment(offset)
      written = 0
    }
  })
}
