import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransientError } from '#pipeline/errors/errors.ts'
import type { NewRecord } from '#pipeline/log/log.ts'
import { MemoryLog } from '#pipeline/testing/memory_log.ts'
import type { Export } from '#schemas/raw_record.ts'
import { telemetryRaw } from '#schemas/topics.ts'
import { GROUP_COMMIT_LIMITS, GroupCommit, type GroupCommitLimits } from './group_commit.ts'
import type { Refusal } from './refusal.ts'
import { newReceiverStats } from './stats.ts'
import { rawRecords } from './testing/receiver.ts'
import { VirtualClock } from './testing/virtual_clock.ts'

/** A log whose appends wait until they are let go, or fail. */
class GatedLog extends MemoryLog {
  readonly appends: { readonly records: readonly NewRecord[]; readonly gate: PromiseWithResolvers<void> }[] = []
  open = true

  override async append(records: readonly NewRecord[]): Promise<readonly number[]> {
    const gate = Promise.withResolvers<void>()
    this.appends.push({ records, gate })
    if (this.open) gate.resolve()
    await gate.promise
    return super.append(records)
  }
}

async function setUp(limits: Partial<GroupCommitLimits> = {}, { partitions = 1, lastReceivedAt = 0 } = {}) {
  const log = new GatedLog()
  await log.createTopics([{ name: telemetryRaw.name, partitions, retentionMs: 1, retentionBytes: null }])
  const clock = new VirtualClock()
  const stats = newReceiverStats()
  const errors: unknown[] = []
  const commit = new GroupCommit({
    log,
    topic: telemetryRaw.name,
    partitions,
    schemaId: 1,
    lastReceivedAt: Array.from({ length: partitions }, () => lastReceivedAt),
    clock,
    limits: { ...GROUP_COMMIT_LIMITS, ...limits },
    stats,
    onError: (error) => errors.push(error),
  })
  return { log, clock, stats, errors, commit }
}

function part(options: { partition?: number; size?: number; events?: number; id?: number } = {}): Export {
  const { partition = 0, size = 10, events = 1, id = 0 } = options
  const key = Buffer.alloc(16)
  key.writeUInt32BE(partition)
  key[15] = id
  const body = Buffer.alloc(size)
  return { key, receivedAt: 1, contentType: 'application/x-protobuf', body, eventCount: events, refused: [] }
}

test('exports of one project and signal that come within the linger become one record', async () => {
  const { log, clock, commit } = await setUp()
  const added = [commit.add('p', 'logs', part({ id: 1 })), commit.add('p', 'logs', part({ id: 2 }))]
  clock.advance(19)
  added.push(commit.add('p', 'logs', part({ id: 3 })))
  assert.equal(log.appends.length, 0)
  clock.advance(1)
  await Promise.all(added)
  const records = await rawRecords(log)
  assert.deepEqual(
    records.map(({ projectId, signal, exports }) => [projectId, signal, exports.map(({ key }) => key[15])]),
    [['p', 'logs', [1, 2, 3]]],
  )
})

test('projects, signals and partitions have records of their own, in one append', async () => {
  const { log, clock, commit } = await setUp({}, { partitions: 3 })
  const added = [
    commit.add('p', 'logs', part()),
    commit.add('q', 'logs', part()),
    commit.add('p', 'traces', part()),
    commit.add('p', 'logs', part({ partition: 1 })),
    commit.add('p', 'logs', part({ partition: 4 })),
  ]
  clock.advance(20)
  await Promise.all(added)
  assert.equal(log.appends.length, 1)
  assert.deepEqual(
    (await rawRecords(log)).map(({ origin, projectId, signal, exports }) => [
      origin.partition,
      projectId,
      signal,
      exports.length,
    ]),
    [
      [0, 'p', 'logs', 1],
      [0, 'q', 'logs', 1],
      [0, 'p', 'traces', 1],
      [1, 'p', 'logs', 2],
    ],
  )
})

test('enough bytes waiting do not linger', async () => {
  const { log, commit } = await setUp({ flushBytes: 100 })
  const first = commit.add('p', 'logs', part({ size: 99 }))
  assert.equal(log.appends.length, 0)
  const second = commit.add('p', 'logs', part({ size: 1 }))
  assert.equal(log.appends.length, 1)
  await Promise.all([first, second])
})

test('one append at a time: what comes meanwhile goes in the next', async () => {
  const { log, clock, commit } = await setUp()
  log.open = false
  const first = commit.add('p', 'logs', part({ id: 1 }))
  clock.advance(20)
  const second = commit.add('p', 'logs', part({ id: 2 }))
  const third = commit.add('p', 'logs', part({ id: 3 }))
  clock.advance(100)
  assert.equal(log.appends.length, 1)
  log.appends[0].gate.resolve()
  await first
  await Promise.resolve()
  assert.equal(log.appends.length, 2)
  log.appends[1].gate.resolve()
  await Promise.all([second, third])
  assert.deepEqual(
    log.appends.map(({ records }) => records.length),
    [1, 1],
  )
})

test('a record is full at its bound of bytes and of events, and not before', async () => {
  const { log, clock, commit } = await setUp({ maxRecordBytes: 100, maxRecordEvents: 10, flushBytes: 1e9 })
  const sizes: readonly [size: number, events: number][] = [
    [60, 1],
    [40, 1],
    [1, 1],
    [1, 9],
    [1, 1],
    [500, 1],
  ]
  const added = sizes.map(([size, events]) => commit.add('p', 'logs', part({ size, events })))
  clock.advance(20)
  await Promise.all(added)
  assert.deepEqual(
    (await rawRecords(log)).map(({ exports }) => exports.map(({ body, eventCount }) => [body.length, eventCount])),
    [
      [
        [60, 1],
        [40, 1],
      ],
      [
        [1, 1],
        [1, 9],
      ],
      [[1, 1]],
      [[500, 1]],
    ],
  )
})

test('an append holds its bound of bytes; the rest follows at once', async () => {
  const { log, clock, commit } = await setUp({ maxRecordBytes: 10, maxAppendBytes: 25, flushBytes: 1e9 })
  const added = Array.from({ length: 5 }, () => commit.add('p', 'logs', part({ size: 10 })))
  clock.advance(20)
  await Promise.all(added)
  assert.deepEqual(
    log.appends.map(({ records }) => records.length),
    [2, 2, 1],
  )
})

test('when an append fails all its exports are refused with a time to retry, later ones are stored', async () => {
  const { log, clock, stats, errors, commit } = await setUp()
  log.open = false
  const failed = [commit.add('p', 'logs', part()), commit.add('q', 'logs', part())]
  clock.advance(20)
  const later = commit.add('p', 'logs', part({ id: 9 }))
  const cause = new TransientError('disk full', { retryAfterMs: 2500 })
  log.appends[0].gate.reject(cause)
  for (const each of failed) {
    await assert.rejects(each, (error: Refusal) => error.kind === 'unavailable' && error.retryAfterMs === 2500)
  }
  log.open = true
  clock.advance(20)
  await later
  assert.deepEqual(errors, [cause])
  assert.deepEqual([stats.appends, stats.failedAppends, stats.records], [1, 1, 1])
  assert.deepEqual(
    (await rawRecords(log)).map(({ exports }) => exports[0].key[15]),
    [9],
  )
})

test('time within a partition never goes backwards: not with the clock, not over a restart', async () => {
  const { log, clock, commit } = await setUp({}, { lastReceivedAt: 1_700_000_005_000_999 })
  const times: number[] = []
  for (const now of [1_700_000_000_000_000, 1_700_000_006_000_000, 1_600_000_000_000_000, 1_700_000_007_000_000]) {
    clock.set(now)
    const added = commit.add('p', 'logs', part())
    clock.advance(20)
    await added
    times.push((await rawRecords(log)).at(-1)!.receivedAt)
  }
  assert.deepEqual(times, [1_700_000_005_000_999, 1_700_000_006_020_000, 1_700_000_006_020_000, 1_700_000_007_020_000])
})

test('a partition silent for a second gets a tick, one with data does not', async () => {
  const { log, clock, stats, commit } = await setUp({}, { partitions: 2 })
  assert.equal(commit.tick(), 1000)
  clock.advance(600)
  const added = commit.add('p', 'logs', part())
  clock.advance(20)
  await added
  clock.advance(380)
  assert.equal(commit.tick(), 600, 'the partition with data is next')
  clock.advance(20)
  await commit.drain()
  const records = await rawRecords(log, { ticks: true })
  assert.deepEqual(
    records.map(({ origin, projectId, exports, eventCount }) => [
      origin.partition,
      projectId,
      exports.length,
      eventCount,
    ]),
    [
      [0, 'p', 1, 1],
      [1, '', 0, 0],
    ],
  )
  assert.equal(records[1].receivedAt, clock.now())
  assert.deepEqual([stats.records, stats.ticks], [1, 1])
})

test('a clock set back does not stop the ticks', async () => {
  const { log, clock, commit } = await setUp()
  clock.set(clock.now() - 3_600_000_000)
  commit.tick()
  clock.advance(20)
  await commit.drain()
  assert.equal((await rawRecords(log, { ticks: true })).length, 1)
})

test('a tick that cannot be stored is let go', async () => {
  const { log, clock, stats, commit } = await setUp()
  log.open = false
  clock.advance(1000)
  commit.tick()
  clock.advance(20)
  log.appends[0].gate.reject(new TransientError('disk full'))
  await commit.drain()
  assert.deepEqual([stats.ticks, stats.failedAppends], [0, 1])
})

test('draining does not linger and waits for all of it', async () => {
  const { log, clock, commit } = await setUp({ maxRecordBytes: 10, maxAppendBytes: 10 })
  const added = Promise.all([commit.add('p', 'logs', part()), commit.add('p', 'logs', part())])
  await commit.drain()
  assert.equal(log.appends.length, 2)
  await added
  assert.equal(clock.timers, 0)
  await commit.drain()
})
