import assert from 'node:assert/strict'
import { test } from 'node:test'
import { below, openStore, placeOf } from './open_store.ts'
import { withFolder } from './testing/folder.ts'

test('a URL names a folder, or a bucket and a prefix', () => {
  assert.deepEqual(placeOf('file:/data/my lake'), { kind: 'folder', directory: '/data/my lake' })
  const bucket = 'my.bucket-1'
  for (const [url, prefix] of [
    ['s3://my.bucket-1', ''],
    ['s3://my.bucket-1/', ''],
    ['s3://my.bucket-1/lake', 'lake'],
    ['s3://my.bucket-1/a/b=c/', 'a/b=c'],
  ]) {
    assert.deepEqual(placeOf(url), { kind: 'bucket', bucket, prefix }, url)
  }
})

test('what is no store is refused with a sentence', async () => {
  for (const url of [
    '',
    'lake',
    'http://bucket',
    's3://',
    's3://A',
    's3://bucket/a/../b',
    's3://bucket/a//b',
    's3://b/c?x',
  ]) {
    assert.throws(
      () => placeOf(url),
      { name: 'OperatorError', message: /is file:\/folder or s3:\/\/bucket\/prefix/ },
      url,
    )
  }
  await assert.rejects(openStore({ url: 'file:not/absolute' }), { name: 'OperatorError', message: /absolute/ })
})

test('a part of a store is a store below it', () =>
  withFolder(async (directory) => {
    const whole = { url: `file:${directory}/` }
    await (await openStore(below(whole, 'generations/2'))).put('x', new Uint8Array([1]))
    const [found] = await (await openStore(whole)).list('')
    assert.equal(found.key, 'generations/2/x')
    assert.deepEqual(below({ url: 's3://bucket/lake', s3Endpoint: 'http://s3' }, 'a'), {
      url: 's3://bucket/lake/a',
      s3Endpoint: 'http://s3',
    })
  }))
