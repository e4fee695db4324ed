/** What every store must do. Where two adapters differ under it, one of them is wrong, or this suite is. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ObjectStore } from './object_store.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (value: Uint8Array | null) => (value === null ? null : new TextDecoder().decode(value))

/** @param withStore gives the work a new, empty store each time */
export function describeObjectStore(
  name: string,
  withStore: (work: (store: ObjectStore) => Promise<void>) => Promise<void>,
): void {
  describe(name, () => {
    test('put replaces, get of what is not there is null, delete of it no error', () =>
      withStore(async (store) => {
        assert.equal(await store.get('a/b'), null)
        await store.put('a/b', bytes('one'))
        await store.put('a/b', bytes('two'))
        assert.equal(text(await store.get('a/b')), 'two')
        await store.delete(['a/b', 'a/c'])
        await store.delete([])
        assert.equal(await store.get('a/b'), null)
      }))

    test('objects come back bit for bit, empty ones and large ones too', () =>
      withStore(async (store) => {
        const large = Buffer.alloc(3 * 2 ** 20, 'large\0\xff', 'latin1')
        // A part of a larger buffer, as writers hand over.
        await store.put('large', large.subarray(7, -9))
        assert.ok(large.subarray(7, -9).equals((await store.get('large'))!))
        await store.put('empty', bytes(''))
        assert.equal((await store.get('empty'))!.length, 0)
      }))

    test('of many writers of one key exactly one wins, and its bytes stay', () =>
      withStore(async (store) => {
        const won = await Promise.all(
          Array.from({ length: 20 }, (_, writer) => store.putIfAbsent('t/_delta_log/0.json', bytes(`${writer}`))),
        )
        assert.equal(won.filter(Boolean).length, 1)
        assert.equal(text(await store.get('t/_delta_log/0.json')), String(won.indexOf(true)))
        assert.equal(await store.putIfAbsent('t/_delta_log/0.json', bytes('late')), false)
        assert.deepEqual(
          (await store.list('t/')).map(({ key }) => key),
          ['t/_delta_log/0.json'],
          'nothing else is left',
        )
      }))

    test('a range gives its bytes, cut at the end of the object', () =>
      withStore(async (store) => {
        await store.put('digits', bytes('0123456789'))
        const range = async (start: number, end: number) => text(await store.get('digits', { start, end }))
        assert.equal(await range(0, 3), '012')
        assert.equal(await range(8, 20), '89')
        assert.equal(await range(10, 20), '')
        assert.equal(await range(4, 4), '')
        assert.equal(await store.get('nothing', { start: 0, end: 1 }), null)
      }))

    test('a list is in the order of keys, from a key on', () =>
      withStore(async (store) => {
        assert.deepEqual(await store.list('t/'), [])
        const before = Date.now()
        for (const key of ['t/b/2', 't/a', 't/b/1', 't/c', 'u/x', 't2/x']) await store.put(key, bytes(key))
        const keys = async (after?: string) => (await store.list('t/', { after })).map((object) => object.key)
        assert.deepEqual(await keys(), ['t/a', 't/b/1', 't/b/2', 't/c'])
        assert.deepEqual(await keys('t/b/1'), ['t/b/2', 't/c'])
        assert.deepEqual(await keys('t/b/10'), ['t/b/2', 't/c'])
        assert.equal((await store.list('')).length, 6)
        const [first] = await store.list('t/')
        assert.equal(first.sizeBytes, 3)
        // Some stores count in seconds.
        assert.ok(first.modifiedMs >= before - 1000 && first.modifiedMs <= Date.now() + 1000, `${first.modifiedMs}`)
      }))

    test('more objects than fit one answer are all listed, and all deleted', () =>
      withStore(async (store) => {
        const keys = Array.from({ length: 1005 }, (_, at) => `many/${String(at).padStart(4, '0')}`)
        for (let from = 0; from < keys.length; from += 50) {
          await Promise.all(keys.slice(from, from + 50).map((key) => store.put(key, bytes('x'))))
        }
        assert.deepEqual(
          (await store.list('many/')).map(({ key }) => key),
          keys,
        )
        await store.delete(keys)
        assert.deepEqual(await store.list('many/'), [])
      }))

    test('keys cannot leave the store', () =>
      withStore(async (store) => {
        for (const key of ['../x', 'a/../../x', '/etc/passwd', 'a/./b', 'a\0b']) {
          await assert.rejects(store.put(key, bytes('')), RangeError)
          await assert.rejects(store.putIfAbsent(key, bytes('')), RangeError)
          await assert.rejects(store.get(key), RangeError)
          await assert.rejects(store.list(key), RangeError)
          await assert.rejects(store.delete([key]), RangeError)
        }
      }))
  })
}
