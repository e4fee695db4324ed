import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { withFolder } from '#sinks/store/testing/folder.ts'
import { createLakeSink } from './lake.ts'
import { sampleLogs } from './testing/sample_logs.ts'

test('a folder that is away is told of while it is tried again, and its return too', () =>
  withFolder(async (folder) => {
    const directory = join(folder, 'lake')
    // A file where the folder should be: for root too, nothing can be written below it.
    await writeFile(directory, '')
    const told: (string | null)[] = []
    let heard = Promise.withResolvers<void>()
    const sink = createLakeSink({ store: { url: `file:${directory}` }, limits: { fewFlushAgeMs: 0 } }, (failure) => {
      told.push(failure)
      heard.resolve()
    })
    await sink.write(sampleLogs({ rows: 10 }))
    await heard.promise
    heard = Promise.withResolvers()
    await rm(directory)
    await heard.promise
    assert.match(told[0] ?? '', /otel_logs_and_spans: .*lake: cannot .*ENOTDIR/)
    assert.deepEqual(told.slice(1), [null])
    await sink.flush()
    assert.equal(sink.storedUpTo(0), 0)
    await sink.close()
  }))

test('a sink may be closed at any moment of its start', () =>
  withFolder(async (directory) => {
    // Native code that is broken off while it loads ends the process, so this test is over or it is not.
    for (let moment = 0; moment < 25; moment++) {
      const sink = createLakeSink({ store: { url: `file:${directory}` } })
      await setTimeout(moment * 12)
      await sink.close()
    }
  }))
