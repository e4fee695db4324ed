import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { describeObjectStore } from './conformance.ts'
import { createFileStore } from './file_store.ts'
import { withFolder } from './testing/folder.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describeObjectStore('a store in a folder', (work) => withFolder((directory) => work(createFileStore(directory))))

test('half-written files are not listed, and none are left by those who lose', () =>
  withFolder(async (directory) => {
    const store = createFileStore(directory)
    await Promise.all([1, 2, 3].map((writer) => store.putIfAbsent('t/a', bytes(`${writer}`))))
    assert.deepEqual(await readdir(join(directory, 't')), ['a'])
    await writeFile(join(directory, 't/b.1.1.tmp'), 'half')
    assert.deepEqual(
      (await store.list('t/')).map(({ key }) => key),
      ['t/a'],
    )
  }))

test('other programs find an object at its path, and none outside of the folder', () =>
  withFolder(async (directory) => {
    const store = createFileStore(directory)
    assert.equal(store.localPath('a/b'), join(directory, 'a/b'))
    assert.throws(() => store.localPath('../x'), RangeError)
  }))

test('what the file system refuses is a TransientError that leaves nothing behind', () =>
  withFolder(async (directory) => {
    const store = createFileStore(directory)
    await mkdir(join(directory, 'a', 'taken'), { recursive: true })
    await assert.rejects(store.put('a/taken', bytes('x')), { name: 'TransientError' })
    assert.deepEqual(await readdir(join(directory, 'a')), ['taken'])
    await assert.rejects(store.get('a'), { name: 'TransientError' })
  }))
