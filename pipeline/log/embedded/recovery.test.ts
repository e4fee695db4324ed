import assert from 'node:assert/strict'
import { copyFile, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { OperatorError } from '../../errors/errors.ts'
import { createEmbeddedLog } from './embedded.ts'
import { decodeSegmentHeader, encodeFrames, FRAME_HEADER_BYTES, unplaced } from './frame.ts'
import {
  appendTo,
  closedLog,
  copyFolder,
  homeOf,
  openLog,
  openPartition,
  partitionFolder,
  record,
  segmentPaths,
  values,
  valuesOf,
} from './testing.ts'

/** A log of two records, and the bytes of a third whose append never got to say that it was durable. */
async function interrupted(t: TestContext): Promise<{ before: string; frame: Buffer }> {
  const before = await closedLog(t, ['one', 'two'])
  const after = await copyFolder(t, before)
  const log = await openLog(t, { directory: after })
  await log.append([record('three')])
  await log.close()
  const [[old], [grown]] = [await segmentPaths(before), await segmentPaths(after)]
  return { before, frame: (await readFile(grown)).subarray((await stat(old)).size) }
}

test('a torn tail is cut off wherever it was torn, and appending goes on', async (t) => {
  const { before, frame } = await interrupted(t)
  assert.equal(frame.length, FRAME_HEADER_BYTES + 'three'.length)
  const [segment] = await segmentPaths(before)
  const whole = await readFile(segment)
  const end = await readFile(join(partitionFolder(before), 'durable_end'))
  for (let torn = 0; torn <= frame.length; torn++) {
    await writeFile(segment, Buffer.concat([whole, frame.subarray(0, torn)]))
    await writeFile(join(partitionFolder(before), 'durable_end'), end)
    await rm(segment.replace('.segment', '.index'), { force: true })
    const warnings: string[] = []
    const partition = await openPartition(before, { warn: (message) => warnings.push(message) })
    const kept = torn === frame.length ? ['one', 'two', 'three'] : ['one', 'two']
    assert.deepEqual(await valuesOf(partition), kept, `torn after ${torn} bytes`)
    assert.equal(warnings.length, torn > 0 && torn < frame.length ? 1 : 0)
    await appendTo(partition, 'next')
    assert.deepEqual(await valuesOf(partition), [...kept, 'next'])
    await partition.close()
  }
})

test('a byte flipped anywhere in the unacknowledged tail cuts it off', async (t) => {
  const { before, frame } = await interrupted(t)
  const [segment] = await segmentPaths(before)
  const whole = await readFile(segment)
  for (let at = 0; at < frame.length; at++) {
    const flipped = Buffer.from(frame)
    flipped[at] ^= 0x10
    await writeFile(segment, Buffer.concat([whole, flipped]))
    const partition = await openPartition(before)
    assert.deepEqual(await valuesOf(partition), ['one', 'two'], `byte ${at}`)
    await partition.close()
  }
})

test('a byte flipped anywhere in acknowledged records is damage, named by file and byte', async (t) => {
  const directory = await closedLog(t, ['one', 'two'])
  const [segment] = await segmentPaths(directory)
  const whole = await readFile(segment)
  const home = await homeOf(directory)
  for (const index of ['kept', 'lost']) {
    if (index === 'lost') await rm(segment.replace('.segment', '.index'))
    for (let at = 0; at < whole.length; at++) {
      const flipped = Buffer.from(whole)
      flipped[at] ^= 1
      await writeFile(segment, flipped)
      const frameStart = at < 64 ? 0 : at < 64 + FRAME_HEADER_BYTES + 3 ? 64 : 64 + FRAME_HEADER_BYTES + 3
      await assert.rejects(
        async () => {
          const partition = await openPartition(directory, {}, home)
          await valuesOf(partition).finally(() => partition.close())
        },
        (error) =>
          error instanceof OperatorError && error.message.includes(`${segment} is damaged at byte ${frameStart}:`),
        `byte ${at}, index ${index}`,
      )
    }
  }
})

test('damage is told from a torn tail by the frames behind it, where nothing else is left to say so', async (t) => {
  const directory = await closedLog(t, ['one', 'two', 'three'])
  const [segment] = await segmentPaths(directory)
  await rm(segment.replace('.segment', '.index'))
  await rm(join(partitionFolder(directory), 'durable_end'))
  const whole = await readFile(segment)
  whole[64 + FRAME_HEADER_BYTES] ^= 1
  await writeFile(segment, whole)
  await assert.rejects(createEmbeddedLog({ directory }), /is damaged at byte 64/)
})

test('whole frames behind a hole are cut off where their group was never acknowledged', async (t) => {
  const before = await closedLog(t, ['one'])
  const after = await copyFolder(t, before)
  const log = await openLog(t, { directory: after })
  await log.append([record('two'), record('three')])
  await log.close()
  const [[old], [grown]] = [await segmentPaths(before), await segmentPaths(after)]
  const durable = (await stat(old)).size
  const bytes = await readFile(grown)
  bytes.fill(0, durable, durable + FRAME_HEADER_BYTES + 3)
  await writeFile(old, bytes)
  const reopened = await openLog(t, { directory: before, warn: () => {} })
  assert.deepEqual(await values(reopened), ['one'])
})

test('a file that ends before an acknowledged record is damage', async (t) => {
  const directory = await closedLog(t, ['one', 'two'])
  const [segment] = await segmentPaths(directory)
  const { size } = await stat(segment)
  await truncate(segment, size - 1)
  await assert.rejects(createEmbeddedLog({ directory }), /damaged at byte .*acknowledged and cannot be read/)
})

test('bytes that a client sent never pass for a frame: they would have to know the salt', async (t) => {
  const { before, frame } = await interrupted(t)
  const [segment] = await segmentPaths(before)
  const { salt } = decodeSegmentHeader(await readFile(segment))
  const torn = frame.subarray(0, FRAME_HEADER_BYTES + 1)
  const claim = (salt: number) => Buffer.concat(encodeFrames([unplaced(record('forged'))], 9, 0xffff_ffff, salt))
  const whole = await readFile(segment)

  await writeFile(segment, Buffer.concat([whole, torn, claim((salt + 1) % 2 ** 32)]))
  const copy = await copyFolder(t, before)
  const partition = await openPartition(copy)
  assert.deepEqual(await valuesOf(partition), ['one', 'two'])
  await partition.close()

  await writeFile(segment, Buffer.concat([whole, torn, claim(salt)]))
  await assert.rejects(openPartition(before), /is damaged at byte/)
})

test('a flipped byte in a sealed segment is found by the reader, and other records can still be read', async (t) => {
  const long = (n: number) => `${n}`.repeat(600)
  const directory = await closedLog(t, [1, 2, 3].map(long), { segmentBytes: 500 })
  const [, second] = await segmentPaths(directory)
  const bytes = await readFile(second)
  bytes[200] ^= 1
  await writeFile(second, bytes)
  const log = await openLog(t, { directory })
  await assert.rejects(
    () => log.read('test.records.v1', 0, 1, { maxBytes: 1 }),
    (error) => error instanceof OperatorError && error.message.includes(`${second} is damaged at byte 64:`),
  )
  const [third] = await log.read('test.records.v1', 0, 2, { maxBytes: 1 })
  assert.equal(Buffer.from(third.value).toString(), long(3))
})

test('without its index file a segment is read by walking over it', async (t) => {
  const many = Array.from({ length: 300 }, (_, i) => `${i}`.padEnd(1_000))
  const directory = await closedLog(t, many, { segmentBytes: 120_000 })
  const segments = await segmentPaths(directory)
  assert.ok(segments.length > 2)
  for (const segment of segments) await rm(segment.replace('.segment', '.index'))
  const log = await openLog(t, { directory })
  for (const offset of [0, 77, 150, 299]) {
    const [first] = await log.read('test.records.v1', 0, offset, { maxBytes: 1 })
    assert.equal(Buffer.from(first.value).toString(), many[offset])
  }
})

test('an index of another segment is not used', async (t) => {
  const directory = await closedLog(t, ['one', 'two', 'three'])
  const other = await closedLog(t, ['longer than one', 'two', 'three'])
  const [[mine], [theirs]] = [await segmentPaths(directory), await segmentPaths(other)]
  await copyFile(theirs.replace('.segment', '.index'), mine.replace('.segment', '.index'))
  assert.deepEqual(await values(await openLog(t, { directory })), ['one', 'two', 'three'])
})
