/**
 * The writer as the runtime uses it, over a store that loses answers and lets writes happen late, with crashes: from
 * the position it reported, batches come again. Every event must be in the table once.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Batch } from '#pipeline/batch/batch.ts'
import { eventIds } from '#pipeline/batch/event_id.ts'
import { TransientError } from '#pipeline/errors/errors.ts'
import { createFaultyStore, type FaultyStore } from '#sinks/store/testing/faulty_store.ts'
import { loadSnapshot } from '../delta/snapshot.ts'
import { createParquetReader } from '../testing/parquet_reader.ts'
import { mulberry32, sampleLogs } from '../testing/sample_logs.ts'
import { LakeWriter } from './lake_writer.ts'
import { batchBytes } from './table_writer.ts'

const reader = await createParquetReader()
after(() => reader.close())

const PROJECTS = ['one', 'two', 'three']
const PARTITIONS = [0, 1]
const OFFSETS = 12

function batches(partition: number): Batch[] {
  return Array.from({ length: OFFSETS }, (_, offset) =>
    sampleLogs({ rows: 1 + ((offset * 3) % 5), offset, partition, projectId: PROJECTS[(offset + partition) % 3] }),
  )
}

test('each event is stored once, whatever is lost on the way', async () => {
  const topic = PARTITIONS.map(batches)
  const size = batchBytes(topic[0][1])
  for (let seed = 1; seed <= 12; seed++) {
    const random = mulberry32(seed)
    const store = createFaultyStore(random, 0.3)
    const committed = PARTITIONS.map(() => -1)
    for (let lives = 0; committed.some((reached) => reached < OFFSETS - 1); lives++) {
      assert.ok(lives < 200, `seed ${seed}: it gets on`)
      if (lives > 20) store.heal()
      await live(store, topic, committed, random, size)
    }
    for (const project of PROJECTS) {
      const expected = topic.flat().flatMap((batch) => (batch.projectId === project ? idsOf(batch) : []))
      assert.deepEqual(await idsIn(store, project), expected.sort(), `seed ${seed}, project ${project}`)
    }
  }
})

/** One life of a process: reads on from what was committed, until it crashes or is done. */
async function live(
  store: FaultyStore,
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

async function idsIn(store: FaultyStore, project: string): Promise<string[]> {
  store.heal()
  const key = `${project}/otel_logs_and_spans`
  const { files } = await loadSnapshot(store, key)
  const ids: string[] = []
  for (const path of files.keys()) {
    const rows = await reader.query(store.objects.get(`${key}/${path}`)!, 'SELECT id FROM read_parquet($file)')
    ids.push(...rows.map(([id]) => id as string))
  }
  return ids.sort()
}
