/**
 * Two processes archive the same partitions, each as the runtime would: from the last position committed, until it dies or
 * fails. The store loses answers and lets refused writes happen later. Every record must be in the archive once.
 */
import assert from 'node:assert/strict'
import { TransientError } from '#pipeline/errors/errors.ts'
import { mulberry32 } from '#sinks/lake/testing/sample_logs.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import { createFaultyStore } from '#sinks/store/testing/faulty_store.ts'
import { createArchiveSink } from '../archive.ts'
import { createArchiveReader } from '../archive_reader.ts'
import { firstIn, prefixOf } from '../place.ts'
import { readSummary } from '../summary.ts'
import { assertRecords, handedOver, PLACE, readFrom, recordsFrom, TOPIC } from './records.ts'

const PARTITIONS = [0, 1]
const END = 120

/** @param inner empty */
export async function crashingArchivers(inner: ObjectStore, seed: number): Promise<void> {
  const random = mulberry32(seed)
  const store = createFaultyStore(inner, random, 0.2)
  const committed = PARTITIONS.map(() => -1)
  const isDone = () => committed.every((position) => position === END - 1)
  const lives = async () => {
    for (let life = 0; !isDone(); life++) {
      assert.ok(life < 500, `seed ${seed}: it gets on`)
      if (life > 100) await store.heal()
      await live(store, committed, random)
    }
  }
  await Promise.all([lives(), lives()])
  await store.heal()
  await checkTiling(inner, seed)
  const reader = createArchiveReader(inner)
  for (const partition of PARTITIONS) {
    const place = { ...PLACE, partition }
    const read = await readFrom((offset, options) => reader.read(place, offset, options), 0, END)
    assertRecords(read, recordsFrom(0, END, partition), `seed ${seed}, partition ${partition}`)
  }
}

/** One life of a process: from what was committed to its death. */
async function live(store: ObjectStore, committed: number[], random: () => number): Promise<void> {
  const limits = {
    objectBytes: 100 + random() * 900,
    objectRecords: 30,
    blockBytes: 50 + random() * 300,
    maxBytes: 1500,
  }
  const sink = createArchiveSink(store, TOPIC, { limits })
  const commit = () => {
    for (const partition of PARTITIONS)
      committed[partition] = Math.max(committed[partition], sink.storedUpTo(partition))
  }
  const next = committed.map((position) => position + 1)
  try {
    while (next.some((offset) => offset < END)) {
      for (const partition of PARTITIONS) {
        if (next[partition] >= END) continue
        const [record] = recordsFrom(next[partition], next[partition] + 1, partition)
        await sink.write(handedOver(record))
        next[partition]++
        if (random() < 0.05) await sink.flush()
        if (random() < 0.2) commit()
        if (random() < 0.01) return
      }
    }
    await sink.flush()
    commit()
  } catch (error) {
    if (!(error instanceof TransientError)) throw error
  } finally {
    await sink.close()
  }
}

/** Each object begins where the one before it ends. */
async function checkTiling(store: ObjectStore, seed: number): Promise<void> {
  for (const partition of PARTITIONS) {
    let end = 0
    for (const { key } of await store.list(prefixOf({ ...PLACE, partition }))) {
      assert.equal(firstIn(key), end, `seed ${seed}: ${key}`)
      end = (await readSummary(store, key))!.last + 1
    }
    assert.equal(end, END)
  }
}
