/**
 * The writer as the runtime uses it, over a store that loses answers and lets writes happen late, with crashes: from
 * the position it reported, batches come again. Every event must be in the table once.
 */
import assert from 'node:assert/strict'
import type { Batch } from '#pipeline/batch/batch.ts'
import { eventIds } from '#pipeline/batch/event_id.ts'
import { TransientError } from '#pipeline/errors/errors.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import { createFaultyStore } from '#sinks/store/testing/faulty_store.ts'
import { loadSnapshot } from '../delta/snapshot.ts'
import { LakeWriter } from '../writer/lake_writer.ts'
import { batchBytes } from '../writer/table_writer.ts'
import { createParquetReader, type ParquetReader } from './parquet_reader.ts'
import { mulberry32, sampleLogs } from './sample_logs.ts'

const PROJECTS = ['one', 'two', 'three']
const PARTITIONS = [0, 1]
const OFFSETS = 12

function batches(partition: number): Batch[] {
  return Array.from({ length: OFFSETS }, (_, offset) =>
    sampleLogs({ rows: 1 + ((offset * 3) % 5), offset, partition, projectId: PROJECTS[(offset + partition) % 3] }),
  )
}

/** @param inner empty */
export async function crashingWriter(inner: ObjectStore, seed: number): Promise<void> {
  const topic = PARTITIONS.map(batches)
  const size = batchBytes(topic[0][1])
  const random = mulberry32(seed)
  const store = createFaultyStore(inner, random, 0.3)
  const committed = PARTITIONS.map(() => -1)
  for (let lives = 0; committed.some((reached) => reached < OFFSETS - 1); lives++) {
    assert.ok(lives < 200, `seed ${seed}: it gets on`)
    if (lives > 20) await store.heal()
    await live(store, topic, committed, random, size)
  }
  await store.heal()
  const reader = await createParquetReader()
  try {
    for (const project of PROJECTS) {
      const expected = topic.flat().flatMap((batch) => (batch.projectId === project ? idsOf(batch) : []))
      assert.deepEqual(await idsIn(inner, reader, project), expected.sort(), `seed ${seed}, project ${project}`)
    }
  } finally {
    await reader.close()
  }
}

/** One life of a process: reads on from what was committed, until it crashes or is done. */
async function live(
  store: ObjectStore,
  topic: readonly Batch[][],
  committed: number[],
  random: () => number,
  size: number,
): Promise<void> {
  const writer = new LakeWriter({ store, now: () => 0, limits: { flushBytes: size * 2, maxBytes: size * 4 } })
  const report = () => {
    for (const { partition, reached } of writer.flushed()) {
      assert.ok(reached >= committed[partition], 'a position never goes back')
      committed[partition] = reached
    }
  }
  try {
    for (let offset = 0; offset < OFFSETS; offset++) {
      for (const partition of PARTITIONS) {
        if (offset > committed[partition]) await writer.add(topic[partition][offset])
        if (random() < 0.2) report()
        if (random() < 0.02) return
      }
    }
    await writer.flush()
    report()
  } catch (error) {
    if (!(error instanceof TransientError)) throw error
  }
}

function idsOf(batch: Batch): string[] {
  const id = eventIds(batch)
  return Array.from({ length: batch.eventCount }, (_, row) => id(row))
}

async function idsIn(store: ObjectStore, reader: ParquetReader, project: string): Promise<string[]> {
  const key = `${project}/otel_logs_and_spans`
  const { files } = await loadSnapshot(store, key)
  const ids: string[] = []
  for (const path of files.keys()) {
    const rows = await reader.query((await store.get(`${key}/${path}`))!, 'SELECT id FROM read_parquet($file)')
    ids.push(...rows.map(([id]) => id as string))
  }
  return ids.sort()
}
