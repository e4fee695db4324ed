import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { MemoryLog } from '#pipeline/testing/memory_log.ts'
import { createArchiveSink } from '#sinks/archive/archive.ts'
import { LOG_ID, recordsFrom, TOPIC, writeAll } from '#sinks/archive/testing/records.ts'
import { openStore } from '#sinks/store/open_store.ts'
import { openRecordSource } from './replay_source.ts'

it('is the log with what its archive has before it, and goes on with what comes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-source-'))
  try {
    const { name } = TOPIC
    const log = new MemoryLog(LOG_ID)
    await log.createTopics([{ name, partitions: 1, retentionMs: 1, retentionBytes: null }])
    const records = recordsFrom(0, 30)
    await log.append(records)
    const archive = { url: `file:${folder}` }
    const sink = createArchiveSink(await openStore(archive), TOPIC, { limits: { objectRecords: 7 } })
    await writeAll(sink, records.slice(0, 21))
    await sink.flush()
    await sink.close()
    await log.trim(name, 0, 20)

    const source = await openRecordSource(log, archive)
    assert.deepEqual(await source.bounds(name, 0), { partition: 0, begin: 0, end: 30 })
    const offsets: number[] = []
    while (offsets.length < 30) {
      const page = await source.read(name, 0, offsets.length, { maxBytes: 1000 })
      offsets.push(...page.map(({ offset }) => offset))
    }
    assert.deepEqual(
      offsets,
      Array.from({ length: 30 }, (_, at) => at),
    )
    const waiting = source.waitFor(name, 0, 30, new AbortController().signal)
    await log.append(recordsFrom(30, 31))
    await waiting
    assert.equal(await openRecordSource(log, null), log)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
