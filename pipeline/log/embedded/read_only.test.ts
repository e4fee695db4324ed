import assert from 'node:assert/strict'
import { rename, unlink } from 'node:fs/promises'
import { test } from 'node:test'
import { OperatorError } from '../../errors/errors.ts'
import { createEmbeddedLog } from './embedded.ts'
import { Faults, openLog, record, segmentPaths, TOPIC, temporaryFolder, values } from './testing.ts'

test('sees what was acknowledged before the read began, across segments', async (t) => {
  const directory = await temporaryFolder(t)
  const log = await openLog(t, { directory, segmentBytes: 1_000 })
  const reader = await createEmbeddedLog({ directory, readOnly: true })
  t.after(() => reader.close())
  assert.equal(reader.id, log.id)
  const written: string[] = []
  for (let i = 0; i < 30; i++) {
    written.push(`${i}`.padEnd(150))
    await log.append([record(written[i])])
    const [last] = await reader.read(TOPIC, 0, i, { maxBytes: 1 })
    assert.equal(Buffer.from(last.value).toString(), written[i])
  }
  assert.deepEqual(await values(reader), written)
  assert.deepEqual(await reader.bounds(TOPIC, 0), await log.bounds(TOPIC, 0))
  const [own] = await reader.topics()
  assert.equal(own.sizeBytes, (await log.topics())[0].sizeBytes)
})

test('does not see what is written and not yet durable', async (t) => {
  const directory = await temporaryFolder(t)
  const faults = new Faults()
  const log = await openLog(t, { directory, openFile: faults.openFile })
  const reader = await createEmbeddedLog({ directory, readOnly: true })
  t.after(() => reader.close())
  await log.append([record('one')])
  const held = Promise.withResolvers<void>()
  faults.hold = held.promise
  const syncs = faults.syncs
  const appended = log.append([record('two')])
  while (faults.syncs === syncs) await new Promise(setImmediate)
  assert.deepEqual(await values(reader), ['one'])
  faults.failSync = 'EIO'
  held.resolve()
  await assert.rejects(appended)
  assert.deepEqual(await values(reader), ['one'])
})

test('sees topics, positions and schemas that came after it was opened', async (t) => {
  const directory = await temporaryFolder(t)
  const log = await openLog(t, { directory })
  const reader = await createEmbeddedLog({ directory, readOnly: true })
  t.after(() => reader.close())
  await log.createTopics([{ name: 'later.v1', partitions: 1, retentionMs: 1, retentionBytes: null }])
  assert.deepEqual(await reader.bounds('later.v1', 0), { partition: 0, begin: 0, end: 0 })
  await log.append([record('one')])
  const membership = await log.join('g', [TOPIC], { assigned() {}, revoked() {} })
  await membership.commit([{ topic: TOPIC, partition: 0, offset: 1, reached: { 0: 0 }, log: log.id }])
  assert.deepEqual(await reader.positions('g'), await log.positions('g'))
  assert.deepEqual(await reader.groups(), ['g'])
  assert.equal(await reader.schema(await log.register('s', '"int"')), '"int"')
})

test('waits for what the owner appends; aborting ends the wait', async (t) => {
  const directory = await temporaryFolder(t)
  const log = await openLog(t, { directory })
  const reader = await createEmbeddedLog({ directory, readOnly: true })
  t.after(() => reader.close())
  const waiting = reader.waitFor(TOPIC, 0, 0, new AbortController().signal)
  await log.append([record('one')])
  await waiting
  assert.deepEqual(await values(reader), ['one'])
  const abort = new AbortController()
  const endless = reader.waitFor(TOPIC, 0, 1, abort.signal)
  abort.abort()
  await endless
})

test('a segment trimmed under it is out of range; one that somebody deleted is said to be missing', async (t) => {
  const directory = await temporaryFolder(t)
  const log = await openLog(t, { directory, segmentBytes: 300 })
  const reader = await createEmbeddedLog({ directory, readOnly: true })
  t.after(() => reader.close())
  for (let i = 0; i < 12; i++) await log.append([record('x'.repeat(100))])
  assert.equal((await values(reader)).length, 12)
  await log.trim(TOPIC, 0, 6)
  await assert.rejects(reader.read(TOPIC, 0, 0, { maxBytes: 1 }), RangeError)
  const { begin } = await reader.bounds(TOPIC, 0)
  assert.ok(begin > 0)
  assert.equal((await values(reader)).length, 12 - begin)
  const [, second] = await segmentPaths(directory)
  await rename(second, `${second}.gone`)
  await assert.rejects(reader.read(TOPIC, 0, begin + 3, { maxBytes: 1 }), OperatorError)
})

test('changes nothing', async (t) => {
  const directory = await temporaryFolder(t)
  const log = await openLog(t, { directory })
  const reader = await createEmbeddedLog({ directory, readOnly: true })
  t.after(() => reader.close())
  await log.append([record('one')])
  await assert.rejects(reader.append([record('two')]), OperatorError)
  await assert.rejects(reader.createTopics([]), OperatorError)
  await assert.rejects(reader.join('g', [TOPIC], { assigned() {}, revoked() {} }), OperatorError)
  await assert.rejects(reader.trim(TOPIC, 0, 1), OperatorError)
  await assert.rejects(reader.deleteGroup('g'), OperatorError)
  await assert.rejects(reader.register('s', '"int"'), OperatorError)
  assert.deepEqual(await values(log), ['one'])
})

test('where there is no log it says so', async (t) => {
  const directory = await temporaryFolder(t)
  await assert.rejects(createEmbeddedLog({ directory, readOnly: true }), /there is no log in/)
  const [path] = await (async () => {
    await openLog(t, { directory })
    return segmentPaths(directory)
  })()
  await unlink(path)
  const reader = await createEmbeddedLog({ directory, readOnly: true })
  t.after(() => reader.close())
  await assert.rejects(reader.bounds(TOPIC, 0), /has no segments/)
})
