import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it, mock } from 'node:test'
import { TransientError } from '#pipeline/errors/errors.ts'
import { createMemoryStore } from '#sinks/store/testing/memory_store.ts'
import { createArchiveSink } from './archive.ts'
import { createArchiveReader } from './archive_reader.ts'
import { expireArchive } from './expire_archive.ts'
import { keyOf } from './place.ts'
import {
  assertRecords,
  handedOver,
  PLACE,
  readFrom,
  recordAt,
  recordsFrom,
  TOPIC,
  writeAll,
} from './testing/records.ts'

const SMALL = { objectBytes: 700, objectRecords: 40, blockBytes: 300 }
const never = () => assert.fail('nothing to warn of')

describe('the archive', () => {
  it('is objects named by where they begin, each beginning where the one before it ends', async () => {
    const store = createMemoryStore()
    const sink = createArchiveSink(store, TOPIC, { limits: SMALL, warn: never })
    const records = recordsFrom(5, 200)
    await writeAll(sink, records)
    assert.ok(sink.storedUpTo(0) > 5 && sink.storedUpTo(0) < 199, 'the last records are in memory')
    await sink.flush()
    await sink.progress()
    assert.equal(sink.storedUpTo(0), 199)
    await sink.close()
    const keys = [...store.objects.keys()]
    assert.ok(keys.length > 4 && keys[0] === keyOf(PLACE, 5), keys.join())
    const reader = createArchiveReader(store)
    assert.deepEqual(await reader.bounds(PLACE), { begin: 5, end: 200 })
    assertRecords(await readFrom((offset, options) => reader.read(PLACE, offset, options), 5, 200), records)
  })

  it('stores what is old enough, and waits for nobody to ask', async () => {
    mock.timers.enable({ apis: ['setInterval'] })
    try {
      let nowMs = 0
      const store = createMemoryStore()
      const sink = createArchiveSink(store, TOPIC, { now: () => nowMs, limits: { maxAgeMs: 60_000 } })
      await writeAll(sink, recordsFrom(0, 3))
      nowMs = 59_999
      mock.timers.tick(1000)
      await writeAll(sink, recordsFrom(3, 4))
      assert.equal(store.objects.size, 0)
      nowMs = 60_000
      mock.timers.tick(1000)
      await sink.progress()
      assert.deepEqual([...store.objects.keys()], [keyOf(PLACE, 0)])
      assert.equal(sink.storedUpTo(0), 3)
      await sink.close()
    } finally {
      mock.timers.reset()
    }
  })

  it('keeps to its bound on memory: the largest partition is stored', async () => {
    const store = createMemoryStore()
    const limits = { objectBytes: 1e9, objectRecords: 1e9, blockBytes: 200, maxBytes: 5_000 }
    const sink = createArchiveSink(store, TOPIC, { limits })
    for (let offset = 0; offset < 400; offset++) {
      for (const partition of [0, 1, 2]) {
        const value = partition === 0 ? randomBytes(100) : Buffer.from('x')
        if (partition > 0 && offset % 20 > 0) continue
        const at = partition === 0 ? offset : offset / 20
        await sink.write({ ...handedOver(recordAt(at, partition)), value })
      }
    }
    assert.ok(store.objects.size > 1)
    for (const key of store.objects.keys()) assert.match(key, /\/00000\//)
    for (const object of store.objects.values()) assert.ok(object.length < 5_000 + 3_000, `${object.length}`)
    await sink.close()
  })

  it('stores an object of so many records, however small they are', async () => {
    const store = createMemoryStore()
    const sink = createArchiveSink(store, TOPIC, { limits: { objectRecords: 10 } })
    await writeAll(sink, recordsFrom(0, 25))
    assert.deepEqual([...store.objects.keys()], [keyOf(PLACE, 0), keyOf(PLACE, 10)])
    await sink.close()
  })

  it('leaves the place of records that were passed over empty, and says so', async () => {
    const store = createMemoryStore()
    const said: string[] = []
    const sink = createArchiveSink(store, TOPIC, { warn: (message) => said.push(message) })
    await writeAll(sink, recordsFrom(0, 10))
    await sink.write(handedOver(recordAt(20), -1))
    await writeAll(sink, recordsFrom(21, 30))
    await sink.flush()
    await sink.close()
    assert.deepEqual(said, ['records 10 to 19 of test.raw.v1/0 will not be in the archive'])
    const reader = createArchiveReader(store)
    assert.equal((await reader.read(PLACE, 0, { maxBytes: 1e6 })).length, 10)
    await assert.rejects(reader.read(PLACE, 10, { maxBytes: 1e6 }), {
      name: 'OperatorError',
      message: /has nothing from offset 10 to 19, before .*00020\.avro.*begin at 20/,
    })
    await assert.rejects(reader.read(PLACE, 15, { maxBytes: 1e6 }), { name: 'OperatorError' })
    assert.equal((await reader.read(PLACE, 20, { maxBytes: 1e6 })).length, 10)
  })

  it('takes offsets that the log itself leaves out for no gap', async () => {
    const store = createMemoryStore()
    const sink = createArchiveSink(store, TOPIC, { limits: { objectRecords: 2 }, warn: never })
    const offsets = [0, 3, 4, 9, 12]
    for (const [at, offset] of offsets.entries()) await sink.write(handedOver(recordAt(offset), offsets[at - 1] ?? -1))
    await sink.flush()
    await sink.close()
    const reader = createArchiveReader(store)
    assertRecords(
      await readFrom((offset, options) => reader.read(PLACE, offset, options), 0, 13),
      offsets.map((offset) => recordAt(offset)),
    )
  })

  it('refuses to mix two logs that count on from the same offset', async () => {
    const store = createMemoryStore()
    const sink = createArchiveSink(store, TOPIC)
    await writeAll(sink, recordsFrom(0, 10))
    await sink.flush()
    await sink.close()
    const restored = createArchiveSink(store, TOPIC)
    await writeAll(restored, recordsFrom(5, 9))
    await assert.rejects(restored.write({ ...handedOver(recordAt(9)), value: Buffer.from('another') }), {
      name: 'OperatorError',
      message: /has another record at offset 9 than the log/,
    })
    await restored.close()
  })

  it('tells its reader where storing failed', async () => {
    mock.timers.enable({ apis: ['setInterval'] })
    try {
      const store = createMemoryStore()
      const failing = { ...store, putIfAbsent: () => Promise.reject(new TransientError('no answer')) }
      const sink = createArchiveSink(failing, TOPIC, { limits: { maxAgeMs: 0 } })
      await writeAll(sink, recordsFrom(0, 3))
      const progress = assert.rejects(sink.progress(), { name: 'TransientError', message: 'no answer' })
      mock.timers.tick(1000)
      await progress
      await assert.rejects(sink.write(handedOver(recordAt(3))), { name: 'TransientError' })
      await assert.rejects(sink.flush(), { name: 'TransientError' })
      await sink.close()
      await sink.progress()
    } finally {
      mock.timers.reset()
    }
  })

  it('begins over where another process was faster', async () => {
    const store = createMemoryStore()
    const [one, two] = [createArchiveSink(store, TOPIC), createArchiveSink(store, TOPIC)]
    await writeAll(one, recordsFrom(0, 10))
    await writeAll(two, recordsFrom(0, 6))
    await two.flush()
    await assert.rejects(one.flush(), {
      name: 'TransientError',
      message: /another process has archived .*, up to offset 5/,
    })
    await one.close()
    const again = createArchiveSink(store, TOPIC)
    await writeAll(again, recordsFrom(0, 10))
    await again.flush()
    assert.deepEqual([...store.objects.keys()], [keyOf(PLACE, 0), keyOf(PLACE, 6)])
    for (const sink of [two, again]) await sink.close()
  })
})

describe('retention of the archive', () => {
  const filled = async () => {
    const store = createMemoryStore()
    const sink = createArchiveSink(store, TOPIC, { limits: { objectRecords: 10 } })
    await writeAll(sink, recordsFrom(0, 40))
    await sink.close()
    return store
  }

  it('deletes whole objects, the oldest first, and never the last', async () => {
    const store = await filled()
    assert.equal(await expireArchive(store, PLACE, 0), 0)
    const aged = {
      ...store,
      list: async (prefix: string) =>
        (await store.list(prefix)).map((object, at) => ({ ...object, modifiedMs: at * 1000 })),
    }
    assert.equal(await expireArchive(aged, PLACE, 1500), 2)
    const reader = createArchiveReader(store)
    assert.deepEqual(await reader.bounds(PLACE), { begin: 20, end: 40 })
    await assert.rejects(reader.read(PLACE, 5, { maxBytes: 1 }), { name: 'RangeError', message: /begins at 20/ })
    assert.equal(await expireArchive(store, PLACE, Number.MAX_SAFE_INTEGER), 1)
    assert.deepEqual([...store.objects.keys()], [keyOf(PLACE, 30)])
  })

  it('is kept to by the sink', async () => {
    const store = await filled()
    const sink = createArchiveSink(store, TOPIC, { keepDays: 3, now: () => Date.now() + 4 * 86_400_000 })
    await sink.write(handedOver(recordAt(40)))
    await sink.flush()
    assert.deepEqual([...store.objects.keys()], [keyOf(PLACE, 30), keyOf(PLACE, 40)])
    await sink.close()
  })
})
