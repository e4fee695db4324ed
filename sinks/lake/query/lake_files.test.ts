/** The first wall where the lake is a bucket: a project's DuckDB sees that project's folder of the cache, and no other. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { withFolder } from '#sinks/store/testing/folder.ts'
import { createMemoryStore } from '#sinks/store/testing/memory_store.ts'
import { createProjectInstance } from './instance.ts'
import { cachedFiles } from './lake_files.ts'
import type { LakeFile } from './snapshot.ts'
import { literal } from './view.ts'

const NEVER = new AbortController().signal
const CONTENT = 'a\n1\n'

const fileOf = (project: string): LakeFile => ({
  key: `${project}/t/date=2026-11-22/part`,
  sizeBytes: CONTENT.length,
  date: '2026-11-22',
  minTimestamp: null,
  maxTimestamp: null,
  numRecords: 1,
  min: {},
  max: {},
})

it('a project reads its own cached files, and none of one whose id begins like its own', () =>
  withFolder(async (folder) => {
    const store = createMemoryStore()
    const projects = ['shop', 'shop2', 'sho', 'shop-2']
    for (const project of projects) await store.put(fileOf(project).key, new TextEncoder().encode(CONTENT))
    const files = cachedFiles(store, { directory: join(folder, 'cache'), maxBytes: 1000 })
    assert.ok(!existsSync(join(folder, 'cache')), 'nothing of it is asked for yet')
    const { paths } = await files.hold(projects.map(fileOf), NEVER)
    const tempDirectory = join(folder, 'temp')
    mkdirSync(tempDirectory)
    const instance = await createProjectInstance({
      directory: files.directory('shop'),
      ...{ tempDirectory, memoryBytes: 2 ** 28, tempBytes: 2 ** 20, threads: 1 },
    })
    const connection = await instance.connect()
    const read = (path: string) => connection.runAndReadAll(`SELECT content FROM read_text(${literal(path)})`)
    assert.deepEqual((await read(paths[0])).getRows(), [[CONTENT]])
    const way = join(files.directory('shop'), '..')
    for (const path of [...paths.slice(1), `${way}/shop2/t/date=2026-11-22/*`, `${way}/*/t/*/*`]) {
      await assert.rejects(read(path), /Permission Error/, path)
    }
    connection.closeSync()
    instance.close()
    await files.close()
  }))
