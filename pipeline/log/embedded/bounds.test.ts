/** The bounds of what is kept in memory, each at its bound. The queue of appends: `failures.test.ts`. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { TransientError } from '../../errors/errors.ts'
import { MetadataClient, WAITING_LIMIT } from './metadata_client.ts'
import { IndexCache } from './segment_reader.ts'
import { temporaryFolder } from './testing.ts'

test('the cache of indexes keeps those used last, up to its limit', async () => {
  const segment = (base: number) => ({ path: `/nowhere/${base}.segment`, base, salt: 1, madeAt: 0, sizeBytes: 64 })
  const cache = new IndexCache(3)
  const [first] = await Promise.all([1, 2, 3].map((base) => cache.get(segment(base))))
  assert.equal(cache.size, 3)
  assert.equal(await cache.get(segment(1)), first)
  await cache.get(segment(4))
  assert.equal(cache.size, 3)
  assert.equal(await cache.get(segment(1)), first)
})

test('requests for metadata are refused beyond the limit and answered up to it', async (t) => {
  const { client } = await MetadataClient.open(join(await temporaryFolder(t), 'metadata.sqlite'))
  // The first one is sent at once and does not wait.
  const asked = Array.from({ length: 1 + WAITING_LIMIT }, () => client.call('groups'))
  await assert.rejects(client.call('groups'), TransientError)
  assert.equal((await Promise.all(asked)).length, 1 + WAITING_LIMIT)
  assert.deepEqual(await client.call('groups'), [])
  await client.close()
  await assert.rejects(client.call('groups'), /the log is closed/)
})
