/**
 * Appending to and reading from Kafka, by level of compression, against the embedded log: `node pipeline/bench/kafka.bench.ts
 * [megabytes]`; decision record: `../docs/decisions/0007-kafka.md`. Records of 200 KB: exports as received, and the batches
 * they become. The broker is one on the same machine; its CPU is reported apart.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEmbeddedLog } from '#pipeline/log/embedded/embedded.ts'
import { createKafkaLog } from '#pipeline/log/kafka/kafka.ts'
import type { EventLog } from '#pipeline/log/log.ts'
import { startKafka } from '#pipeline/testing/services/kafka.ts'
import { eventBatchCodec } from '#schemas/event_batch.ts'
import { benchLogs } from '#schemas/otlp/testing/bench_payload.ts'
import { rawBatch, rawExport } from '#schemas/otlp/testing/raw.ts'
import { rawRecordCodec } from '#schemas/raw_record.ts'
import { flatten } from '../../topologies/flatten_attributes/flatten_attributes.ts'
import { PROMOTED, targetsOf } from '../../topologies/flatten_attributes/promotion.ts'
import { ExportWindow } from '../../topologies/normalize/export_window.ts'
import { normalizeRecord } from '../../topologies/normalize/normalize.ts'
import { cpuSeconds } from './process_tree.ts'

const RECORD_BYTES = 200_000
const DISTINCT = 24
/** Appends in flight: what receivers and stages together have. */
const WRITERS = 16
const PAGE_BYTES = 2 ** 20
const ROUNDS = 3

const megabytes = Number(process.argv[2] ?? 200)
const payloads = { exports: exports(), batches: batches() }

const kafka = await startKafka({ jvm: ['-Xmx1g', '-Xms1g'] })
const subjects: Record<string, () => Promise<{ log: EventLog; close: () => Promise<void> }>> = { embedded }
for (const level of [0, 1, 3, 6]) subjects[level === 0 ? 'Kafka, none' : `Kafka, zstd ${level}`] = () => onKafka(level)

console.log(
  '| log | records | append MB/s | our CPU-ms per MB | the broker’s | read MB/s | our CPU-ms per MB | stored |',
)
console.log('| --- | --- | --- | --- | --- | --- | --- | --- |')
for (const [what, values] of Object.entries(payloads)) {
  for (const [name, open] of Object.entries(subjects)) {
    const lines: number[][] = []
    for (let round = 0; round <= ROUNDS; round++) {
      const { log, close } = await open()
      const line = await measure(log, `bench.${what}.${name.replaceAll(/\W+/g, '-')}.${round}`, values)
      await close()
      // The first warms up.
      if (round > 0) lines.push(line)
    }
    const median = lines[0].map((_, i) => lines.map((line) => line[i]).sort((a, b) => a - b)[Math.floor(ROUNDS / 2)])
    const [append, ours, brokers, read, readOurs, stored] = median
    const cells = [append.toFixed(0), ours.toFixed(1), brokers.toFixed(1), read.toFixed(0), readOurs.toFixed(1)]
    console.log(`| ${name} | ${what} | ${cells.join(' | ')} | ${(stored * 100).toFixed(0)} % |`)
  }
}
await kafka.close()

async function measure(log: EventLog, topic: string, values: readonly Uint8Array[]): Promise<number[]> {
  await log.createTopics([{ name: topic, partitions: 1, retentionMs: 3_600_000, retentionBytes: null }])
  const count = Math.ceil((megabytes * 1e6) / RECORD_BYTES)
  const bytes = Array.from({ length: count }, (_, i) => values[i % values.length].length).reduce((a, b) => a + b)
  const appended = await timed(async () => {
    let next = 0
    const write = async () => {
      while (next < count) {
        const value = values[next++ % values.length]
        await log.append([{ topic, partition: 0, value, timestamp: Date.now() }])
      }
    }
    await Promise.all(Array.from({ length: WRITERS }, write))
  })
  const read = await timed(async () => {
    for (let offset = 0; offset < count; ) {
      const page = await log.read(topic, 0, offset, { maxBytes: PAGE_BYTES })
      offset = page[page.length - 1].offset + 1
    }
  })
  const { sizeBytes } = (await log.topics()).find(({ name }) => name === topic)!
  const mb = bytes / 1e6
  const perMb = (seconds: number) => (seconds * 1000) / mb
  return [
    mb / appended.seconds,
    perMb(appended.cpu),
    perMb(appended.broker),
    mb / read.seconds,
    perMb(read.cpu),
    sizeBytes / bytes,
  ]
}

async function timed(work: () => Promise<void>) {
  const broker = cpuSeconds(kafka.pid)
  const cpu = process.cpuUsage()
  const started = performance.now()
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return {
    seconds: (performance.now() - started) / 1000,
    cpu: (user + system) / 1e6,
    broker: cpuSeconds(kafka.pid) - broker,
  }
}

async function embedded() {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  const log = await createEmbeddedLog({ directory })
  const close = async () => {
    await log.close()
    await rm(directory, { recursive: true })
  }
  return { log, close }
}

async function onKafka(zstdLevel: number) {
  const log = await createKafkaLog({ brokers: kafka.brokers, registryUrl: 'http://127.0.0.1:1', zstdLevel })
  return { log, close: () => log.close() }
}

/** What a receiver appends: some 700 logs, not all alike. */
function exports(): Uint8Array[] {
  return seeds().map((seed) => raw(7, seed))
}

/** What a stage appends: 2,000 logs by column. */
function batches(): Uint8Array[] {
  const targets = targetsOf('logs', PROMOTED)
  const place = { log: '5eed', topic: 'telemetry.raw.v1', partition: 0, offset: 0, previous: -1 }
  return seeds().map((seed) => {
    const normalized = normalizeRecord(rawRecordCodec.decode(raw(20, seed), place), new ExportWindow(1, 1))
    return eventBatchCodec.encode(flatten(normalized, targets), 1)
  })
}

function raw(resources: number, seed: number): Uint8Array {
  return rawRecordCodec.encode(rawBatch('logs', [rawExport(benchLogs(resources, 100, seed), 'logs')]), 1)
}

function seeds(): number[] {
  return Array.from({ length: DISTINCT }, (_, i) => i + 1)
}
