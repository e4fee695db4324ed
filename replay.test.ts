import assert from 'node:assert/strict'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { withFolder } from '#sinks/store/testing/folder.ts'
import { dropOtherCaches, lakeSources } from './replay.ts'

test('each generation has a cache of its own, and at a start only the live one keeps it', () =>
  withFolder(async (folder) => {
    const cache = { directory: join(folder, 'cache'), maxBytes: 1 }
    await dropOtherCaches({ cache }, 1)
    const directoryOf = (generation: number) =>
      lakeSources({ lake: { url: 's3://bucket' }, cache }, { directory: folder }, generation).cache.directory
    for (const generation of [1, 2, 3]) await mkdir(directoryOf(generation), { recursive: true })
    await dropOtherCaches({ cache }, 2)
    assert.deepEqual(
      (await readdir(cache.directory)).map((name) => join(cache.directory, name)),
      [directoryOf(2)],
    )
  }))
