import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults, openLog, record, temporaryFolder, values } from './testing.ts'

test('an append on an idle log costs one sync, and is not acknowledged before it is done', async (t) => {
  const faults = new Faults()
  const log = await openLog(t, { directory: await temporaryFolder(t), openFile: faults.openFile })
  await log.append([record('one')])
  const before = faults.syncs
  const held = Promise.withResolvers<void>()
  faults.hold = held.promise
  let acknowledged = false
  const append = log.append([record('two')]).then(() => {
    acknowledged = true
  })
  while (faults.syncs === before) await new Promise(setImmediate)
  await new Promise(setImmediate)
  assert.equal(acknowledged, false)
  assert.deepEqual(await values(log), ['one'])
  held.resolve()
  await append
  assert.equal(faults.syncs, before + 1)
  assert.deepEqual(await values(log), ['one', 'two'])
})

test('appends that come together share a sync; those that come during it share the next', async (t) => {
  const faults = new Faults()
  const log = await openLog(t, { directory: await temporaryFolder(t), openFile: faults.openFile })
  await log.append([record('first')])
  const before = faults.syncs
  const held = Promise.withResolvers<void>()
  faults.hold = held.promise
  const together = Array.from({ length: 100 }, (_, i) => log.append([record(`${i}`)]))
  while (faults.syncs === before) await new Promise(setImmediate)
  const during = Array.from({ length: 100 }, (_, i) => log.append([record(`${100 + i}`)]))
  held.resolve()
  await Promise.all([...together, ...during])
  assert.equal(faults.syncs, before + 2)
  assert.deepEqual(await values(log), ['first', ...Array.from({ length: 200 }, (_, i) => `${i}`)])
})

test('a group is bounded: what goes over 16 MB waits for the next sync', async (t) => {
  const faults = new Faults()
  const log = await openLog(t, { directory: await temporaryFolder(t), openFile: faults.openFile })
  const value = Buffer.alloc(6 * 2 ** 20)
  const before = faults.syncs
  await Promise.all([1, 2, 3, 4].map(() => log.append([record(value)])))
  assert.equal(faults.syncs - before, 2)
})

test('one sync for each partition touched', async (t) => {
  const faults = new Faults()
  const log = await openLog(t, { directory: await temporaryFolder(t), openFile: faults.openFile }, 3)
  const before = faults.syncs
  await log.append([record('a', 0), record('b', 2), record('c', 0)])
  assert.equal(faults.syncs - before, 2)
})

test('partitions do not wait for each other', async (t) => {
  const faults = new Faults()
  const log = await openLog(t, { directory: await temporaryFolder(t), openFile: faults.openFile }, 2)
  const before = faults.syncs
  const held = Promise.withResolvers<void>()
  faults.hold = held.promise
  const slow = log.append([record('slow', 0)])
  while (faults.syncs === before) await new Promise(setImmediate)
  faults.hold = null
  await log.append([record('quick', 1)])
  assert.deepEqual(await values(log, 0), [])
  held.resolve()
  await slow
})
