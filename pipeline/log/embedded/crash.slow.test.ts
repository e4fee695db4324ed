/** Real processes, killed; a real file system, full. */
import assert from 'node:assert/strict'
import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { TransientError } from '../../errors/errors.ts'
import { createEmbeddedLog } from './embedded.ts'
import { openLog, record, TOPIC, temporaryFolder, values } from './testing.ts'

const CHILD = new URL('./crash.child.ts', import.meta.url)
const ROUNDS = 8

/** Appends in a child, kills it after `count` acknowledgements. @returns the values acknowledged, by offset */
async function killedAfter(directory: string, count: number): Promise<Map<number, string>> {
  const child = fork(CHILD, [directory], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const acknowledged = new Map<number, string>()
  child.on('message', ({ offset, value }: { offset: number; value: string }) => {
    acknowledged.set(offset, value)
    if (acknowledged.size === count) child.kill('SIGKILL')
  })
  const [code, signal] = await once(child, 'exit')
  assert.equal(signal, 'SIGKILL', `the child ended with code ${code}`)
  return acknowledged
}

test('kill -9 while appending: everything acknowledged is there, in order, and the folder is free', async (t) => {
  const directory = await temporaryFolder(t)
  await (await openLog(t, { directory })).close()
  const acknowledged = new Map<number, string>()
  for (let round = 0; round < ROUNDS; round++) {
    for (const [offset, value] of await killedAfter(directory, 50 + round * 37)) acknowledged.set(offset, value)
    const log = await openLog(t, { directory, warn: () => {} })
    const stored = await values(log)
    assert.ok(acknowledged.size >= 50)
    for (const [offset, value] of acknowledged) assert.equal(stored[offset], value, `round ${round}, offset ${offset}`)
    assert.equal(new Set(stored).size, stored.length, 'a record is there twice')
    await log.close()
  }
})

test('a reader in another process follows while the owner appends, and after it was killed', async (t) => {
  const directory = await temporaryFolder(t)
  await (await openLog(t, { directory })).close()
  const reader = await createEmbeddedLog({ directory, readOnly: true })
  t.after(() => reader.close())
  const child = fork(CHILD, [directory], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  let checked = 0
  for (;;) {
    const [{ offset, value }] = await once(child, 'message')
    const [read] = await reader.read(TOPIC, 0, offset, { maxBytes: 1 })
    assert.equal(Buffer.from(read.value).toString(), value)
    if (++checked === 200) break
  }
  child.kill('SIGKILL')
  await once(child, 'exit')
  const { end } = await reader.bounds(TOPIC, 0)
  assert.equal((await values(reader)).length, end)
})

test('a real full disk: refused, earlier data intact, goes on when there is room', {
  skip: process.getuid?.() === 0 && process.platform === 'linux' ? false : 'mounting a small disk needs root on Linux',
}, async (t) => {
  const directory = join(await temporaryFolder(t), 'small')
  await mkdir(directory)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', directory])
  try {
    await fillAndTrim(t, directory)
  } finally {
    execFileSync('umount', ['--lazy', directory])
  }
})

async function fillAndTrim(t: TestContext, directory: string): Promise<void> {
  const log = await openLog(t, { directory, segmentBytes: 1_000_000 })
  const written: string[] = []
  await assert.rejects(
    async () => {
      for (;;) {
        const value = `${written.length}`.padEnd(100_000)
        await log.append([record(value)])
        written.push(value)
      }
    },
    (error) => error instanceof TransientError && /the disk is full/.test(error.message),
  )
  assert.ok(written.length > 50)
  assert.deepEqual(await values(log), written)
  await log.trim(TOPIC, 0, written.length)
  assert.deepEqual(await log.append([record('there is room again')]), [written.length])
  const { begin } = await log.bounds(TOPIC, 0)
  await log.close()
  const reopened = await openLog(t, { directory })
  assert.deepEqual(await values(reopened), [...written.slice(begin), 'there is room again'])
  await reopened.close()
}
