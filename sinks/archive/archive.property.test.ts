/** Whatever comes, in whatever order it is stored, and whenever the process dies: what is read is what was appended. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransientError } from '#pipeline/errors/errors.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import { createMemoryStore } from '#sinks/store/testing/memory_store.ts'
import { createArchiveSink } from './archive.ts'
import { createArchiveReader } from './archive_reader.ts'
import { crashingArchivers } from './testing/crashing_archivers.ts'
import { assertRecords, handedOver, PLACE, readFrom, recordsFrom, TOPIC } from './testing/records.ts'

const LIMITS = { objectBytes: 700, objectRecords: 40, blockBytes: 300, maxBytes: 2_000 }

test('two processes that both think the partitions theirs, and die, through a store that loses answers', async () => {
  for (let seed = 1; seed <= 8; seed++) await crashingArchivers(createMemoryStore(), seed)
})

/** A store that ends the process, so to say, at its n-th call: before it is done, or after. */
function dyingStore(store: ObjectStore, dies: number, after: boolean): ObjectStore {
  let calls = 0
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    const isLast = ++calls >= dies
    if (isLast && (!after || calls > dies)) throw new TransientError('dead')
    const result = await work()
    if (isLast) throw new TransientError('dead')
    return result
  }
  return {
    ...store,
    putIfAbsent: (key, bytes) => call(() => store.putIfAbsent(key, bytes)),
    get: (key, range) => call(() => store.get(key, range)),
    list: (prefix, options) => call(() => store.list(prefix, options)),
  }
}

test('killed at every call to the store, before and after it, and begun again from any position', async () => {
  const records = recordsFrom(3, 150)
  for (const after of [false, true]) {
    let dies = 1
    for (let lived = false; !lived; dies++) {
      const store = createMemoryStore()
      const first = createArchiveSink(dyingStore(store, dies, after), TOPIC, { limits: LIMITS })
      let reached = 2
      try {
        for (const record of records) await first.write(handedOver(record))
        await first.flush()
        lived = true
      } catch (error) {
        assert.match(String(error), /dead/)
      }
      reached = Math.max(reached, first.storedUpTo(0))
      await first.close()
      // Its position was committed, or was about to be.
      for (const position of new Set([2, reached])) {
        const second = createArchiveSink(store, TOPIC, { limits: LIMITS })
        for (const record of records) if (record.offset > position) await second.write(handedOver(record))
        await second.flush()
        if (position < 149) assert.equal(second.storedUpTo(0), 149)
        await second.close()
      }
      const reader = createArchiveReader(store)
      assert.deepEqual(await reader.bounds(PLACE), { begin: 3, end: 150 })
      assertRecords(await readFrom((offset, options) => reader.read(PLACE, offset, options), 3, 150), records)
      assert.ok(dies < 100)
    }
    assert.ok(dies > 10, `it was killed ${dies} times`)
  }
})
