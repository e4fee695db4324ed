import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { withFolder } from '../testing/lake_folder.ts'
import { createFileStore } from './file_store.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (value: Uint8Array | null) => (value === null ? null : new TextDecoder().decode(value))

test('of many writers of one key exactly one wins, and its bytes stay', () =>
  withFolder(async (directory) => {
    const store = createFileStore(directory)
    const won = await Promise.all(
      Array.from({ length: 20 }, (_, writer) => store.putIfAbsent('t/_delta_log/0.json', bytes(`${writer}`))),
    )
    assert.equal(won.filter(Boolean).length, 1)
    assert.equal(text(await store.get('t/_delta_log/0.json')), String(won.indexOf(true)))
    assert.deepEqual(await readdir(join(directory, 't/_delta_log')), ['0.json'], 'no temporary file is left')
  }))

test('put replaces, get of what is not there is null, delete of it no error', () =>
  withFolder(async (directory) => {
    const store = createFileStore(directory)
    assert.equal(await store.get('a/b'), null)
    await store.put('a/b', bytes('one'))
    await store.put('a/b', bytes('two'))
    assert.equal(text(await store.get('a/b')), 'two')
    await store.delete(['a/b', 'a/c'])
    assert.equal(await store.get('a/b'), null)
  }))

test('a list is in the order of keys, from a key on, without half-written files', () =>
  withFolder(async (directory) => {
    const store = createFileStore(directory)
    assert.deepEqual(await store.list('t/'), [])
    for (const key of ['t/b/2', 't/a', 't/b/1', 't/c', 'u/x']) await store.put(key, bytes(key))
    await writeFile(join(directory, 't/b/3.1.1.tmp'), 'half')
    const keys = async (after?: string) => (await store.list('t/', { after })).map((object) => object.key)
    assert.deepEqual(await keys(), ['t/a', 't/b/1', 't/b/2', 't/c'])
    assert.deepEqual(await keys('t/b/1'), ['t/b/2', 't/c'])
    assert.equal((await store.list('t/'))[0].sizeBytes, 3)
  }))

test('keys cannot leave the folder', () =>
  withFolder(async (directory) => {
    const store = createFileStore(directory)
    for (const key of ['../x', 'a/../../x', '/etc/passwd', 'a/./b', 'a\0b']) {
      assert.throws(() => store.localPath(key), RangeError)
      await assert.rejects(store.put(key, bytes('')), RangeError)
      await assert.rejects(store.list(key), RangeError)
    }
  }))

test('what the file system refuses is a TransientError that leaves nothing behind', () =>
  withFolder(async (directory) => {
    const store = createFileStore(directory)
    await mkdir(join(directory, 'a', 'taken'), { recursive: true })
    await assert.rejects(store.put('a/taken', bytes('x')), { name: 'TransientError' })
    assert.deepEqual(await readdir(join(directory, 'a')), ['taken'])
    await chmod(join(directory, 'a'), 0o755)
    await assert.rejects(store.get('a'), { name: 'TransientError' })
  }))
