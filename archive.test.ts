import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { MemoryLog } from '#pipeline/testing/memory_log.ts'
import { telemetryRaw } from '#schemas/topics.ts'
import { withFolder } from '#sinks/store/testing/folder.ts'
import { openArchive } from './archive.ts'
import { readSettings } from './settings.ts'

/** A log on which a group of this name has come to its end. */
async function logWith(group: string): Promise<MemoryLog> {
  const log = new MemoryLog()
  const { name } = telemetryRaw
  await log.createTopics([{ name, partitions: 1, retentionMs: 1, retentionBytes: null }])
  const member = await log.join(group, [name], { assigned() {}, revoked() {} })
  await member.commit([{ topic: name, partition: 0, offset: 0, reached: {}, log: log.id }])
  return log
}

test('there is an archive where the settings name a place for one, and it can be written to', () =>
  withFolder(async (folder) => {
    const log = await logWith('archive')
    const place = { MILLRACE_ARCHIVE: `file:${join(folder, 'archive')}` }
    const sinks = await openArchive(readSettings(place), log, assert.fail)
    assert.deepEqual(
      sinks.map(({ name, consumes }) => [name, consumes.name]),
      [['archive', telemetryRaw.name]],
    )
    await writeFile(join(folder, 'file'), '')
    const wrong = readSettings({ MILLRACE_ARCHIVE: `file:${join(folder, 'file')}` })
    await assert.rejects(openArchive(wrong, log, assert.fail), { name: 'OperatorError', message: /can be written to/ })
  }))

test('one that was turned off is told of: it still holds the log', async () => {
  const said: string[] = []
  const warn = (message: string) => void said.push(message)
  assert.deepEqual(await openArchive(readSettings({}), await logWith('other'), warn), [])
  assert.deepEqual(said, [])
  assert.deepEqual(await openArchive(readSettings({}), await logWith('archive'), warn), [])
  assert.match(said.join(), /MILLRACE_ARCHIVE is not set.*millrace groups reset archive$/)
})
