import assert from 'node:assert/strict'
import { open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { OperatorError, TransientError } from '../../errors/errors.ts'
import { createEmbeddedLog } from './embedded.ts'
import {
  appendTo,
  closedLog,
  Faults,
  openLog,
  openPartition,
  partitionFolder,
  record,
  segmentPaths,
  TOPIC,
  temporaryFolder,
  values,
} from './testing.ts'

test('disk full: the append is refused with a clear sentence, nothing of it stays, and it works again later', async (t) => {
  const directory = await temporaryFolder(t)
  const faults = new Faults()
  const log = await openLog(t, { directory, openFile: faults.openFile })
  await log.append([record('one')])
  const [segment] = await segmentPaths(directory)
  const { size } = await stat(segment)
  for (const stored of [0, 1, 39, 40, 41, 60]) {
    if (stored > 0) faults.writeShort = stored
    faults.failWrite = 'ENOSPC'
    await assert.rejects(log.append([record('two'), record('three')]), (error) => {
      return error instanceof TransientError && /the disk is full: nothing was appended/.test(error.message)
    })
    assert.equal((await stat(segment)).size, size)
    assert.deepEqual(await values(log), ['one'])
  }
  assert.deepEqual(await log.append([record('four')]), [1])
  await log.close()
  assert.deepEqual(await values(await openLog(t, { directory })), ['one', 'four'])
})

test('a short write is gone on with', async (t) => {
  const directory = await temporaryFolder(t)
  const faults = new Faults()
  const log = await openLog(t, { directory, openFile: faults.openFile })
  await log.append([record('one')])
  for (const stored of [1, 40, 43, 50, 90]) {
    faults.writeShort = stored
    await log.append([record('two'), record('three')])
    assert.equal(faults.writeShort, null)
  }
  const pairs = Array.from({ length: 5 }, () => ['two', 'three']).flat()
  assert.deepEqual(await values(log), ['one', ...pairs])
})

test('a failed append takes those queued behind it with it, and later ones go on without a gap', async (t) => {
  const faults = new Faults()
  const log = await openLog(t, { directory: await temporaryFolder(t), openFile: faults.openFile })
  await log.append([record('one')])
  const held = Promise.withResolvers<void>()
  faults.holdWrite = held.promise
  const before = faults.writes
  const first = log.append([record('two')])
  while (faults.writes === before) await new Promise(setImmediate)
  const behind = [log.append([record('three')]), log.append([record('four')])]
  faults.failWrite = 'ENOSPC'
  held.resolve()
  for (const append of [first, ...behind]) await assert.rejects(append, TransientError)
  assert.deepEqual(await values(log), ['one'])
  assert.deepEqual(await log.append([record('five')]), [1])
})

test('a new segment whose name may not be durable: nothing more goes into the old one', async (t) => {
  const directory = await closedLog(t, ['one'])
  let fail = false
  const partition = await openPartition(directory, {
    openFile: async (path, flags) => {
      if (fail && path === partitionFolder(directory)) throw Object.assign(new Error('EIO'), { code: 'EIO' })
      return open(path, flags)
    },
  })
  fail = true
  await assert.rejects(partition.rollOlderThan(Number.POSITIVE_INFINITY), TransientError)
  await assert.rejects(appendTo(partition, 'refused'), TransientError)
  fail = false
  assert.equal(await appendTo(partition, 'two'), 1)
  await partition.close()
  assert.equal((await segmentPaths(directory)).length, 2)
  assert.deepEqual(await values(await openLog(t, { directory })), ['one', 'two'])
})

test('after a failed sync the partition takes no more until it is opened again; others go on', async (t) => {
  const directory = await temporaryFolder(t)
  const faults = new Faults()
  const log = await openLog(t, { directory, openFile: faults.openFile }, 2)
  await log.append([record('one'), record('other', 1)])
  faults.failSync = 'EIO'
  await assert.rejects(
    log.append([record('two')]),
    /takes no more appends, a sync failed: check the disk, then restart/,
  )
  await assert.rejects(log.append([record('three')]), (error) => {
    return error instanceof TransientError && /takes no more appends/.test(error.message)
  })
  await log.append([record('goes on', 1)])
  assert.deepEqual(await values(log), ['one'])
  const [segment] = await segmentPaths(directory)
  assert.deepEqual(log.health(), [`${segment} takes no more appends, a sync failed: check the disk, then restart`])
  await log.close()
  const reopened = await openLog(t, { directory }, 2)
  assert.deepEqual(reopened.health(), [])
  await reopened.append([record('four')])
  assert.deepEqual(await values(reopened), ['one', 'four'])
  assert.deepEqual(await values(reopened, 1), ['other', 'goes on'])
})

test('a partition that a failed sync has closed is not opened by its age: its segment is not sealed', async (t) => {
  const directory = await closedLog(t, ['one'])
  const faults = new Faults()
  const partition = await openPartition(directory, { openFile: faults.openFile })
  faults.failSync = 'EIO'
  await assert.rejects(appendTo(partition, 'two'), TransientError)
  await partition.rollOlderThan(Number.POSITIVE_INFINITY)
  await assert.rejects(appendTo(partition, 'three'), /takes no more appends/)
  await partition.close()
  assert.equal((await segmentPaths(directory)).length, 1)
  assert.deepEqual(await values(await openLog(t, { directory })), ['one'])
})

test('a write that failed and could not be undone closes the partition for appends', async (t) => {
  const directory = await temporaryFolder(t)
  const faults = new Faults()
  const log = await openLog(t, { directory, openFile: faults.openFile })
  await log.append([record('one')])
  faults.writeShort = 41
  faults.failWrite = 'EIO'
  faults.failTruncate = 'EIO'
  await assert.rejects(log.append([record('two')]), TransientError)
  await assert.rejects(log.append([record('three')]), /takes no more appends, a failed write could not be undone/)
  await log.close()
  assert.deepEqual(await values(await openLog(t, { directory, warn: () => {} })), ['one'])
})

test('no room for a new segment: refused, nothing lost, and on with it when there is', async (t) => {
  const directory = await temporaryFolder(t)
  const faults = new Faults()
  const openFile: typeof faults.openFile = async (path, flags) => {
    if (path.endsWith('.new') && faults.failWrite !== null) {
      throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
    }
    return faults.openFile(path, flags)
  }
  const log = await openLog(t, { directory, openFile, segmentBytes: 100 })
  await log.append([record('x'.repeat(100))])
  faults.failWrite = 'ENOSPC'
  await assert.rejects(log.append([record('refused')]), /the disk is full/)
  await assert.rejects(log.append([record('refused')]), /the disk is full/)
  faults.failWrite = null
  await log.append([record('taken')])
  assert.equal((await segmentPaths(directory)).length, 2)
  await log.close()
  assert.deepEqual(await values(await openLog(t, { directory })), ['x'.repeat(100), 'taken'])
})

test('the queue is bounded in bytes, to the byte', async (t) => {
  const faults = new Faults()
  const maxQueuedBytes = 10 * 140
  const log = await openLog(t, { directory: await temporaryFolder(t), openFile: faults.openFile, maxQueuedBytes })
  const held = Promise.withResolvers<void>()
  faults.hold = held.promise
  const hundred = record('x'.repeat(100))
  const queued = Array.from({ length: 10 }, () => log.append([hundred]))
  await assert.rejects(log.append([record('')]), (error) => {
    return error instanceof TransientError && /overloaded/.test(error.message) && error.retryAfterMs !== undefined
  })
  held.resolve()
  assert.deepEqual((await Promise.all(queued)).flat(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  assert.deepEqual(await log.append([hundred]), [10])
  await assert.rejects(log.append([record('x'.repeat(maxQueuedBytes))]), RangeError)
})

test('the disk limit refuses what would go over it, and takes it again after a trim', async (t) => {
  const directory = await temporaryFolder(t)
  const log = await openLog(t, { directory, segmentBytes: 1_000, maxBytes: 5_000 })
  const record500 = record('x'.repeat(500))
  let taken = 0
  await assert.rejects(async () => {
    for (;;) {
      await log.append([record500])
      taken++
    }
  }, /the log is at its limit of 5000 bytes/)
  assert.ok(taken >= 7 && taken <= 9, `${taken}`)
  const { sizeBytes } = (await log.topics())[0]
  assert.ok(sizeBytes <= 5_000 && sizeBytes + 540 > 5_000, `${sizeBytes}`)
  assert.equal((await values(log)).length, taken)
  await log.trim(TOPIC, 0, taken)
  assert.deepEqual(await log.append([record500]), [taken])
})

test('a second owner is refused and told which process has the folder; closing gives it free', async (t) => {
  const directory = await temporaryFolder(t)
  const log = await openLog(t, { directory })
  await assert.rejects(createEmbeddedLog({ directory }), (error) => {
    return error instanceof OperatorError && error.message.includes(`is in use by process ${process.pid} on`)
  })
  await log.append([record('still mine')])
  await log.close()
  assert.deepEqual(await values(await openLog(t, { directory })), ['still mine'])
})

test('a folder that holds something else, or lost something, is refused in one sentence', async (t) => {
  const foreign = await temporaryFolder(t)
  await writeFile(join(foreign, 'thesis.doc'), 'mine')
  await assert.rejects(createEmbeddedLog({ directory: foreign }), /holds other files \(thesis.doc\)/)

  const file = join(foreign, 'thesis.doc')
  await assert.rejects(createEmbeddedLog({ directory: file }), /cannot be used/)

  const noDatabase = await temporaryFolder(t)
  await writeFile(join(noDatabase, 'metadata.sqlite'), 'x'.repeat(5_000))
  await assert.rejects(createEmbeddedLog({ directory: noDatabase }), /cannot be read as the metadata of a log/)

  const noMetadata = await closedLog(t, ['one'])
  await rm(join(noMetadata, 'metadata.sqlite'))
  await assert.rejects(createEmbeddedLog({ directory: noMetadata }), /has lost its metadata.sqlite/)

  const noPartition = await closedLog(t, ['one'])
  await rm(join(noPartition, 'topics', TOPIC, '0'), { recursive: true })
  await assert.rejects(createEmbeddedLog({ directory: noPartition }), /is missing: restore it/)

  const noSegment = await closedLog(t, ['one'])
  for (const path of await segmentPaths(noSegment)) await rm(path)
  await assert.rejects(createEmbeddedLog({ directory: noSegment }), /has no segments/)

  for (const directory of [foreign, noDatabase, noMetadata, noPartition, noSegment]) {
    await assert.rejects(createEmbeddedLog({ directory }), OperatorError)
  }
})

test('a segment of another log is refused', async (t) => {
  const [mine, theirs] = [await closedLog(t, ['one']), await closedLog(t, ['two'])]
  const [[path], [other]] = [await segmentPaths(mine), await segmentPaths(theirs)]
  await rm(path)
  await writeFile(path, await readFile(other))
  await assert.rejects(createEmbeddedLog({ directory: mine }), /it belongs to another log/)
})

test('a group cannot be set past the end, nor on what it did not join', async (t) => {
  const log = await openLog(t, { directory: await temporaryFolder(t) })
  await log.append([record('one')])
  const membership = await log.join('g', [TOPIC], { assigned() {}, revoked() {} })
  const at = (topic: string, offset: number) => ({ topic, partition: 0, offset, reached: { 0: 0 }, log: log.id })
  await assert.rejects(membership.commit([at(TOPIC, 2)]), RangeError)
  await assert.rejects(membership.commit([at('other.v1', 0)]), RangeError)
  await membership.commit([at(TOPIC, 1)])
})

test('names that would leave the folder are refused', async (t) => {
  const log = await openLog(t, { directory: await temporaryFolder(t) })
  for (const name of ['', '..', '.', 'a/b', 'a\\b', 'x'.repeat(250)]) {
    const spec = { name, partitions: 1, retentionMs: 1, retentionBytes: null }
    await assert.rejects(log.createTopics([spec]), RangeError, name)
  }
})

test('after close, appends are refused and waiting ends', async (t) => {
  const log = await openLog(t, { directory: await temporaryFolder(t) })
  const waiting = assert.rejects(log.waitFor(TOPIC, 0, 0, new AbortController().signal), TransientError)
  await log.close()
  await waiting
  await assert.rejects(log.append([record('late')]), TransientError)
})
