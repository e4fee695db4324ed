import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { LogRecord } from '#pipeline/log/log.ts'
import { MemoryLog } from '#pipeline/testing/memory_log.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import { createMemoryStore, type MemoryStore } from '#sinks/store/testing/memory_store.ts'
import { createArchiveSink } from './archive.ts'
import { createArchiveReader } from './archive_reader.ts'
import { createArchivedLog, type RecordSource } from './archived_log.ts'
import { keyOf } from './place.ts'
import { assertRecords, handedOver, LOG_ID, PLACE, readFrom, recordsFrom, TOPIC, writeAll } from './testing/records.ts'

const { name } = TOPIC

interface Setup {
  readonly log: MemoryLog
  readonly store: MemoryStore
  readonly records: readonly LogRecord[]
  readonly source: RecordSource
}

/** A log of `end` records that begins at `begin`, and the archive of those before `archived`. */
async function setUp(end: number, begin: number, archived: number, objectRecords = 7): Promise<Setup> {
  const log = new MemoryLog(LOG_ID)
  await log.createTopics([{ name, partitions: 1, retentionMs: 1, retentionBytes: null }])
  const records = recordsFrom(0, end)
  await log.append(records)
  const store = createMemoryStore()
  const sink = createArchiveSink(store, TOPIC, { limits: { objectRecords, blockBytes: 400 } })
  await writeAll(sink, records.slice(0, archived))
  await sink.flush()
  await sink.close()
  await log.trim(name, 0, begin)
  return { log, store, records, source: createArchivedLog(log, createArchiveReader(store)) }
}

const pages = (source: RecordSource) => (offset: number, options: { maxBytes: number }) =>
  source.read(name, 0, offset, options)

describe('a log and its archive', () => {
  it('are read as one, wherever the seam and wherever one begins', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          end: fc.integer({ min: 1, max: 80 }),
          trimmed: fc.double({ min: 0, max: 1, noNaN: true }),
          archived: fc.double({ min: 0, max: 1, noNaN: true }),
          from: fc.double({ min: 0, max: 1, noNaN: true }),
          objectRecords: fc.integer({ min: 1, max: 30 }),
          maxBytes: fc.integer({ min: 1, max: 3000 }),
        }),
        async ({ end, trimmed, archived, from, objectRecords, maxBytes }) => {
          const begin = Math.floor(trimmed * end)
          // Nothing is trimmed before it is archived.
          const upTo = begin + Math.floor(archived * (end - begin))
          const { source, records } = await setUp(end, begin, upTo, objectRecords)
          const bounds = await source.bounds(name, 0)
          assert.deepEqual(bounds, { partition: 0, begin: upTo === 0 ? begin : 0, end })
          const start = bounds.begin + Math.floor(from * (end - bounds.begin))
          assertRecords(await readFrom(pages(source), start, end, maxBytes), records.slice(start))
        },
      ),
      { numRuns: 60 },
    ))

  it('give at least one record, and no more than asked for', async () => {
    const { source } = await setUp(50, 40, 45)
    assert.equal((await source.read(name, 0, 3, { maxBytes: 1 })).length, 1)
    assert.equal((await source.read(name, 0, 0, { maxBytes: 1e6, maxRecords: 2 })).length, 2)
    const page = await source.read(name, 0, 3, { maxBytes: 400 })
    assert.ok(page.reduce((sum, { value }) => sum + value.length, 0) <= 400)
  })

  it('have a time’s offset, whichever of them holds it', async () => {
    const { source, log, records } = await setUp(60, 30, 40)
    const whole = new MemoryLog(LOG_ID)
    await whole.createTopics([{ name, partitions: 1, retentionMs: 1, retentionBytes: null }])
    await whole.append(records)
    for (let timestamp = 999_900; timestamp < 1_000_700; timestamp += 5) {
      assert.equal(await source.offsetAt(name, 0, timestamp), await whole.offsetAt(name, 0, timestamp), `${timestamp}`)
    }
    assert.equal(await source.offsetAt(name, 0, 2e9), (await log.bounds(name, 0)).end)
  })

  it('have bounds, and say so beyond them', async () => {
    const { source, store } = await setUp(50, 40, 45)
    await assert.rejects(source.read(name, 0, 51, { maxBytes: 1 }), RangeError)
    assert.deepEqual(await source.read(name, 0, 50, { maxBytes: 1 }), [])
    await store.delete([keyOf(PLACE, 0)])
    const later = createArchivedLog(source, createArchiveReader(store))
    await assert.rejects(later.read(name, 0, 3, { maxBytes: 1 }), RangeError)
    assert.equal((await later.bounds(name, 0)).begin, 7)
  })

  it('say which records are in neither', async () => {
    const { source } = await setUp(50, 40, 30)
    assert.equal((await source.bounds(name, 0)).begin, 0)
    const upTo = await readFrom(pages(source), 0, 30)
    assert.equal(upTo.length, 30)
    for (const offset of [30, 35]) {
      await assert.rejects(source.read(name, 0, offset, { maxBytes: 1 }), {
        name: 'OperatorError',
        message: new RegExp(
          `^records ${offset} to 39 of test.raw.v1/0 are neither in the log nor in the archive.*Begin at 40$`,
        ),
      })
    }
    assert.equal((await source.read(name, 0, 40, { maxBytes: 1 })).length, 1)
  })

  it('go on where the log is trimmed while it is read', async () => {
    const { source, log, records } = await setUp(50, 0, 45)
    const read: LogRecord[] = []
    for (let offset = 0; offset < 50; ) {
      const page = await source.read(name, 0, offset, { maxBytes: 300 })
      read.push(...page)
      offset = page.at(-1)!.offset + 1
      await log.trim(name, 0, Math.min(45, offset + 5))
    }
    assertRecords(read, records)
  })

  it('go on where the archive grows while it is read', async () => {
    const { source, store, log, records } = await setUp(60, 0, 20)
    const sink = createArchiveSink(store, TOPIC, { limits: { objectRecords: 7, blockBytes: 150 } })
    await source.bounds(name, 0)
    assert.equal((await readFrom(pages(source), 0, 10)).length, 10)
    await log.trim(name, 0, 20)
    const first = await readFrom(pages(source), 0, 20)
    for (const record of records.slice(20)) await sink.write(handedOver(record))
    await sink.flush()
    await sink.close()
    await log.trim(name, 0, 60)
    assertRecords([...first, ...(await readFrom(pages(source), 20, 60))], records)
  })
})

describe('reading the archive', () => {
  it('fetches each part once, the next one before it is asked for, and holds no more', async () => {
    const store = createMemoryStore()
    const sink = createArchiveSink(store, TOPIC, { limits: { objectBytes: 5 * 2 ** 20 } })
    // Bytes that cannot be compressed.
    let seed = 1
    const value = () => {
      const bytes = Buffer.alloc(300_000)
      for (let at = 0; at < bytes.length; at += 4) {
        seed = (seed * 1_664_525 + 1_013_904_223) >>> 0
        bytes.writeUInt32LE(seed, at)
      }
      return bytes
    }
    const records = recordsFrom(0, 50).map((record) => ({ ...record, value: value() }))
    await writeAll(sink, records)
    await sink.flush()
    await sink.close()
    assert.ok(store.objects.size >= 3)
    const ranges: string[] = []
    let fetched = 0
    let read = 0
    let most = 0
    const watched: ObjectStore = {
      ...store,
      async get(key, range) {
        const bytes = await store.get(key, range)
        ranges.push(`${key}@${range?.start}`)
        fetched += bytes?.length ?? 0
        most = Math.max(most, fetched - read)
        return bytes
      },
    }
    const reader = createArchiveReader(watched)
    for (let offset = 0; offset < 50; ) {
      const page = await reader.read(PLACE, offset, { maxBytes: 500_000 })
      read += page.reduce((sum, each) => sum + each.value.length, 0)
      assertRecords(page, records.slice(offset, offset + page.length))
      offset += page.length
    }
    assert.equal(new Set(ranges).size, ranges.length)
    assert.ok(most < 8 * 2 ** 20, `${most} bytes were fetched and not yet read`)
  })

  it('keeps the place of so many readers, and closes the one unused for longest', async () => {
    const { store } = await setUp(200, 0, 200, 1000)
    let gets = 0
    const watched: ObjectStore = {
      ...store,
      get(key, range) {
        gets++
        return store.get(key, range)
      },
    }
    const reader = createArchiveReader(watched)
    const at = (offset: number) => reader.read(PLACE, offset, { maxBytes: 1 })
    for (let offset = 0; offset < 33; offset++) await at(offset * 5)
    gets = 0
    for (let offset = 1; offset < 33; offset++) await at(offset * 5 + 1)
    assert.equal(gets, 0)
    await at(1)
    assert.equal(gets, 1)
  })

  const cases: readonly [what: string, change: (bytes: Buffer) => Buffer, says: RegExp][] = [
    ['cut within a block', (bytes) => bytes.subarray(0, -20), /it ends within a block/],
    [
      'cut between blocks',
      (bytes) => bytes.subarray(0, bytes.lastIndexOf(bytes.subarray(-16), -20) + 16),
      /it ends at offset \d+, not at 13/,
    ],
    ['cut within its header', (bytes) => bytes.subarray(0, 100), /it ends within its header/],
    ['empty', () => Buffer.alloc(0), /it ends within its header/],
    ['something else', () => Buffer.from('<html>'), /it is no Avro file/],
    ['changed', (bytes) => Buffer.from(bytes).fill(7, bytes.length - 40, bytes.length - 30), /is damaged: a block/],
  ]
  for (const [what, change, says] of cases) {
    it(`names an object that is ${what}`, async () => {
      const { store, source } = await setUp(50, 40, 45)
      const key = keyOf(PLACE, 7)
      await store.put(key, change(Buffer.from(store.objects.get(key)!)))
      const error = await readFrom(pages(source), 0, 50).catch((cause: Error) => cause)
      assert.ok(error instanceof Error && error.name === 'OperatorError', `${error}`)
      assert.match(error.message, says)
      assert.ok(error.message.includes(key))
      // What follows it is there.
      assert.equal((await readFrom(pages(source), 14, 50)).length, 36)
    })
  }

  it('names an object that is missing', async () => {
    const { store, source } = await setUp(50, 40, 45)
    await store.delete([keyOf(PLACE, 7)])
    await assert.rejects(readFrom(pages(source), 0, 50), {
      name: 'OperatorError',
      message: /nothing from offset 7 to 13, before .*00014\.avro/,
    })
  })

  it('names an object that goes while it is read', async () => {
    const { store } = await setUp(50, 40, 45)
    const reader = createArchiveReader(store)
    await reader.bounds(PLACE)
    await store.delete([keyOf(PLACE, 7)])
    await assert.rejects(
      readFrom((offset, options) => reader.read(PLACE, offset, options), 0, 45),
      { name: 'OperatorError', message: /00007\.avro is damaged: it is gone/ },
    )
  })
})
