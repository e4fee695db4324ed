import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransientError } from '#pipeline/errors/errors.ts'
import { createMemoryStore } from '#sinks/store/testing/memory_store.ts'
import { loadSnapshot } from '../delta/snapshot.ts'
import type { Stats } from '../delta/stats.ts'
import { sampleLogs } from '../testing/sample_logs.ts'
import { LakeWriter } from './lake_writer.ts'
import { batchBytes } from './table_writer.ts'

const project = (number: number) => `${String(number).padStart(8, '0')}-2222-4333-8444-555555555555`
const key = (number: number) => `${project(number)}/otel_logs_and_spans`
const batch = (offset: number, number = 1, partition = 0) =>
  sampleLogs({ rows: 20, offset, partition, projectId: project(number) })
const SIZE = batchBytes(batch(0))
const quiet = () => createMemoryStore()

/** A store whose writes wait until they are let go. */
function gated() {
  const store = quiet()
  let open!: () => void
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  return {
    store: { ...store, put: (k: string, b: Uint8Array) => gate.then(() => store.put(k, b)) },
    open,
    plain: store,
  }
}

async function rowsIn(store: Parameters<typeof loadSnapshot>[0], table: string): Promise<number> {
  const { files } = await loadSnapshot(store, table)
  return [...files.values()].reduce((sum, file) => sum + (JSON.parse(file.stats!) as Stats).numRecords, 0)
}

test('a table is flushed at its size, the others stay in memory', async () => {
  const store = quiet()
  const committed: string[] = []
  const writer = new LakeWriter({
    store,
    now: () => 0,
    limits: { flushBytes: SIZE * 2 },
    committed: (table) => committed.push(table.key),
  })
  await writer.add(batch(0, 1))
  await writer.add(batch(1, 2))
  assert.deepEqual([committed, store.objects.size], [[], 0])
  await writer.add(batch(2, 1))
  await writer.flush()
  assert.equal(committed[0], key(1))
  assert.equal(await rowsIn(store, key(1)), 40)
  assert.equal(await rowsIn(store, key(2)), 20)
  assert.equal(writer.bytes, 0)
})

test('old events are flushed after 10 s where there are few tables, after 5 min where there are many', async () => {
  for (const { fewTables, ageMs } of [
    { fewTables: 1, ageMs: 10_000 },
    { fewTables: 0, ageMs: 300_000 },
  ]) {
    let nowMs = 1_000_000
    const store = quiet()
    const committed: number[] = []
    const done = Promise.withResolvers<void>()
    const writer = new LakeWriter({
      store,
      now: () => nowMs,
      limits: { fewTables },
      committed: (_, version) => {
        committed.push(version)
        done.resolve()
      },
    })
    await writer.add(batch(0))
    nowMs += ageMs - 1
    writer.tick()
    assert.equal(writer.bytes, SIZE)
    nowMs += 1
    writer.tick()
    await done.promise
    assert.deepEqual(committed, [0])
    await writer.flush()
    assert.equal(writer.bytes, 0)
  }
})

test('memory is bounded: add waits for room, and no batch more is taken', async () => {
  const { store, open, plain } = gated()
  const writer = new LakeWriter({ store, now: () => 0, limits: { maxBytes: SIZE * 3 + 100 } })
  for (let offset = 0; offset < 3; offset++) await writer.add(batch(offset, offset))
  let taken = false
  const fourth = writer.add(batch(3, 3)).then(() => {
    taken = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([taken, writer.bytes <= SIZE * 3 + 100], [false, true])
  open()
  await fourth
  assert.ok(writer.bytes <= SIZE * 3 + 100, `${writer.bytes}`)
  await writer.flush()
  for (let number = 0; number < 4; number++) assert.equal(await rowsIn(plain, key(number)), 20)
})

test('a batch larger than the bound is taken alone', async () => {
  const writer = new LakeWriter({ store: quiet(), now: () => 0, limits: { maxBytes: 10 } })
  await writer.add(batch(0))
  await writer.add(batch(1))
  assert.equal(writer.bytes, batchBytes(batch(1)))
})

test('a full disk refuses new batches at the bound and loses none it took', async () => {
  const store = quiet()
  let full = true
  const filling = {
    ...store,
    put: (k: string, b: Uint8Array) =>
      full ? Promise.reject(new TransientError('no space left on device')) : store.put(k, b),
  }
  const writer = new LakeWriter({ store: filling, now: () => 0, limits: { maxBytes: SIZE + 100 } })
  await writer.add(batch(0))
  await assert.rejects(writer.add(batch(1)), { name: 'TransientError', message: /no space left/ })
  await assert.rejects(writer.flush(), { name: 'TransientError' })
  assert.equal(writer.failing, `${key(1)}: no space left on device`)
  assert.deepEqual(writer.flushed(), [
    { log: batch(0).origin.log, topic: 'telemetry.raw.v1', partition: 0, reached: -1 },
  ])
  full = false
  await writer.add(batch(1))
  await writer.flush()
  assert.equal(writer.failing, null)
  assert.equal(await rowsIn(store, key(1)), 40)
  assert.equal(writer.flushed()[0].reached, 1)
})

test('a partition has come as far as its slowest table', async () => {
  const writer = new LakeWriter({ store: quiet(), now: () => 0, limits: { flushBytes: SIZE * 2 } })
  const reached = () => Object.fromEntries(writer.flushed().map((it) => [it.partition, it.reached]))
  await writer.add(batch(0, 1, 0))
  await writer.add(batch(1, 2, 0))
  await writer.add(batch(5, 1, 1))
  assert.deepEqual(reached(), { 0: -1, 1: 4 })
  await writer.flush()
  assert.deepEqual(reached(), { 0: 1, 1: 5 })
  await writer.add(batch(2, 2, 0))
  await writer.add({ ...batch(3, 1, 0), eventCount: 0, columns: new Map() })
  assert.deepEqual(reached(), { 0: 1, 1: 5 })
  await writer.flush()
  assert.deepEqual(reached(), { 0: 3, 1: 5 })
})

test('idle tables are forgotten at the bound, and known again from their log', async () => {
  const store = quiet()
  const writer = new LakeWriter({ store, now: () => 0, limits: { idleTables: 2 } })
  for (let number = 0; number < 5; number++) {
    await writer.add(batch(number, number))
    await writer.flush()
  }
  // The first table's writer is gone; its log still says what it has.
  await writer.add(batch(0, 0))
  await writer.flush()
  assert.equal(await rowsIn(store, key(0)), 20)
})

test('events of several days go to a file each in one commit', async () => {
  const store = quiet()
  const writer = new LakeWriter({ store, now: () => 0 })
  const day = 86_400_000_000
  const noon = Date.UTC(2026, 2, 4, 12) * 1000
  for (const at of [0, 1, 2]) await writer.add(sampleLogs({ rows: 10, offset: at, receivedAt: noon + at * day }))
  await writer.flush()
  const state = await loadSnapshot(store, `${sampleLogs({ rows: 0 }).projectId}/otel_logs_and_spans`)
  assert.equal(state.version, 0)
  assert.deepEqual([...state.files.values()].map((file) => file.partitionValues.date).sort(), [
    '2026-03-04',
    '2026-03-05',
    '2026-03-06',
  ])
})

test('a table that cannot be written at all stops the writer', async () => {
  const failed = Promise.withResolvers<void>()
  const writer = new LakeWriter({
    store: quiet(),
    now: () => 0,
    limits: { flushBytes: 1 },
    failed: () => failed.resolve(),
  })
  const { columns } = batch(0)
  await writer.add({ ...batch(0), columns: new Map([...columns, ['level', columns.get('timestamp')!]]) })
  await failed.promise
  await assert.rejects(writer.add(batch(1)), { name: 'InvariantError', message: /column level/ })
})
