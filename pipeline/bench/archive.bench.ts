/**
 * The archive of raw records, `node pipeline/bench/archive.bench.ts [events]`: bytes and CPU per event into objects in
 * memory, and back, by the size of exports and of blocks. Decision record: `../docs/decisions/0009-archive.md`.
 */
import { rawRecordCodec } from '#schemas/raw_record.ts'
import { telemetryRaw } from '#schemas/topics.ts'
import { ARCHIVE_LIMITS, createArchiveSink } from '#sinks/archive/archive.ts'
import { createArchiveReader } from '#sinks/archive/archive_reader.ts'
import { recordsOf } from '#sinks/archive/raw_topic.ts'
import { createMemoryStore } from '#sinks/store/testing/memory_store.ts'
import { logsTemplate } from './payload.ts'

const LOG = 'ab000000-0000-4000-8000-00000000000a'
const total = Number(process.argv[2] ?? 400_000)

/** CPU of this process, its threads included. */
async function cpuMicros(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

async function measure(perExport: number, blockBytes: number): Promise<void> {
  const templates = [1, 2, 3, 4].map((seed) => logsTemplate(perExport, seed))
  const { codec } = recordsOf(telemetryRaw)
  const place = { log: LOG, topic: telemetryRaw.name, partition: 0 }
  let rawBytes = 0
  const values = Array.from({ length: Math.ceil(total / perExport) }, (_, offset) => {
    const body = Buffer.from(templates[offset % templates.length].next())
    const key = Buffer.alloc(16, offset)
    const contentType = 'application/x-protobuf' as const
    const one = { key, receivedAt: Date.now() * 1000, contentType, body, eventCount: perExport, refused: [] }
    const value = rawRecordCodec.encode(
      { projectId: 'default', signal: 'logs', receivedAt: one.receivedAt, exports: [one] },
      1,
    )
    rawBytes += value.length
    return codec.decode(value, { ...place, offset, previous: offset - 1 }, { key: null, timestamp: Date.now() })
  })
  const store = createMemoryStore()
  const sink = createArchiveSink(store, telemetryRaw, { limits: { blockBytes } })
  const written = await cpuMicros(async () => {
    for (const value of values) await sink.write(value)
    await sink.flush()
  })
  await sink.close()
  const stored = [...store.objects.values()].reduce((sum, { length }) => sum + length, 0)
  const reader = createArchiveReader(store)
  const started = performance.now()
  const read = await cpuMicros(async () => {
    for (let offset = 0; offset < values.length; ) {
      offset += (await reader.read(place, offset, { maxBytes: 2 ** 20 })).length
    }
  })
  const rate = rawBytes / 1e6 / ((performance.now() - started) / 1000)
  const events = values.length * perExport
  const cells = [
    perExport,
    `${blockBytes / 2 ** 20} MiB`,
    (rawBytes / events).toFixed(0),
    (stored / events).toFixed(1),
    (rawBytes / stored).toFixed(1),
    (written / events).toFixed(2),
    (read / events).toFixed(2),
    rate.toFixed(0),
    store.objects.size,
  ]
  console.log(`| ${cells.join(' | ')} |`)
}

console.log(
  '| events an export | block | raw bytes an event | archived | ratio | µs an event, written | read | MB/s read | objects |',
)
console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- |')
for (const perExport of [2_000, 20]) {
  for (const blockBytes of [2 ** 18, ARCHIVE_LIMITS.blockBytes, 2 ** 22]) await measure(perExport, blockBytes)
}
