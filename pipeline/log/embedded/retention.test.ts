import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Position } from '../log.ts'
import { neededFrom, type SealedSegment, trimOffsets } from './retention.ts'
import { openLog, record, TOPIC, temporaryFolder, values, WEEK_MS } from './testing.ts'

const NOW = 1_000_000

/** A segment of 10 records and 100 bytes, `age` ms old. */
function segment(partition: number, end: number, age: number): SealedSegment {
  return { partition, end, sizeBytes: 100, madeAt: NOW - age, maxTimestamp: NOW - age }
}

function spec(retentionMs: number, retentionBytes: number | null = null) {
  return { name: TOPIC, partitions: 2, retentionMs, retentionBytes }
}

const everything = () => Number.POSITIVE_INFINITY

test('by age: what is older than the retention goes, to the millisecond', () => {
  const sealed = [segment(0, 10, 501), segment(0, 20, 500), segment(1, 10, 900), segment(1, 20, 800)]
  const offsets = trimOffsets(spec(500), sealed, 400, everything, NOW)
  assert.deepEqual(
    offsets,
    new Map([
      [1, 20],
      [0, 10],
    ]),
  )
})

test('by size: the oldest of all partitions go first, and only until it fits', () => {
  const sealed = [segment(0, 10, 40), segment(0, 20, 20), segment(1, 10, 30), segment(1, 20, 10)]
  assert.deepEqual(trimOffsets(spec(WEEK_MS, 450), sealed, 450, everything, NOW), new Map())
  assert.deepEqual(trimOffsets(spec(WEEK_MS, 449), sealed, 450, everything, NOW), new Map([[0, 10]]))
  assert.deepEqual(
    trimOffsets(spec(WEEK_MS, 250), sealed, 450, everything, NOW),
    new Map([
      [0, 10],
      [1, 10],
    ]),
  )
  assert.deepEqual(
    trimOffsets(spec(WEEK_MS, 0), sealed, 450, everything, NOW),
    new Map([
      [0, 20],
      [1, 20],
    ]),
  )
})

test('a segment that a group still needs stays, and so does what comes after it', () => {
  const sealed = [segment(0, 10, 900), segment(0, 20, 900), segment(0, 30, 900)]
  assert.deepEqual(
    trimOffsets(spec(500, 0), sealed, 300, () => 9, NOW),
    new Map(),
  )
  assert.deepEqual(
    trimOffsets(spec(500, 0), sealed, 300, () => 20, NOW),
    new Map([[0, 20]]),
  )
})

test('an old timestamp behind a young one does not make a gap', () => {
  const sealed = [segment(0, 10, 100), segment(0, 20, 900)]
  assert.deepEqual(trimOffsets(spec(500), sealed, 200, everything, NOW), new Map())
})

test('what is needed: the slowest group; all, where a group has read nothing of the partition; nothing else counts', () => {
  const at = (topic: string, partition: number, offset: number): Position => {
    return { topic, partition, offset, reached: { 0: 0 }, log: 'x' }
  }
  assert.equal(neededFrom(TOPIC, 0, []), Number.POSITIVE_INFINITY)
  assert.equal(neededFrom(TOPIC, 0, [[at('other.v1', 0, 1)]]), Number.POSITIVE_INFINITY)
  assert.equal(neededFrom(TOPIC, 0, [[at(TOPIC, 0, 7)], [at(TOPIC, 0, 5), at(TOPIC, 1, 2)]]), 5)
  assert.equal(neededFrom(TOPIC, 1, [[at(TOPIC, 0, 7)], [at(TOPIC, 1, 5)]]), 0)
})

test('the log trims by itself: old segments go, also the one being written, but not past a group', async (t) => {
  let now = 1_700_000_000_000
  const log = await openLog(t, {
    directory: await temporaryFolder(t),
    segmentBytes: 300,
    segmentMs: 1_000,
    trimIntervalMs: 1,
    now: () => now,
  })
  for (let i = 0; i < 10; i++) await log.append([record(`${i}`.repeat(100))])
  const membership = await log.join('slow', [TOPIC], { assigned() {}, revoked() {} })
  await membership.commit([{ topic: TOPIC, partition: 0, offset: 5, reached: { 0: 4 }, log: log.id }])

  now += WEEK_MS + 1_001
  const begin = async () => (await log.bounds(TOPIC, 0)).begin
  while ((await begin()) === 0) await new Promise(setImmediate)
  assert.ok((await begin()) <= 5)
  const [held] = await log.read(TOPIC, 0, 5, { maxBytes: 1 })
  assert.equal(Buffer.from(held.value).toString(), '5'.repeat(100))

  await membership.commit([{ topic: TOPIC, partition: 0, offset: 10, reached: { 0: 9 }, log: log.id }])
  while ((await begin()) < 10) await new Promise(setImmediate)
  assert.deepEqual(await values(log), [])
  assert.ok((await log.topics())[0].sizeBytes <= 64)
  assert.deepEqual(await log.append([record('next')]), [10])
})
