/** What is kept in memory, at its bound. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OperatorError, TransientError } from '../../errors/errors.ts'
import type { Cluster } from './cluster.ts'
import { Partitions } from './partitions.ts'
import { decodePosition, encodeMetadata } from './position.ts'
import { Reader } from './reader.ts'
import { type BatchRecord, encodeBatch } from './record_batch.ts'
import { Registry } from './registry.ts'

/** A partition of one batch, fetched whole whatever is asked for. */
async function readerOf(records: readonly BatchRecord[], maxKeptBytes: number) {
  const batches = await encodeBatch(records, 1)
  let fetches = 0
  const cluster = {
    async atLeader({ topic, partition }: { topic: string; partition: number }) {
      fetches++
      return { topic, partition, errorCode: 0, begin: 0, end: records.length, batches }
    },
  }
  const bounds = async () => ({ partition: 0, begin: 0, end: records.length })
  const reader = new Reader(cluster as unknown as Cluster, { maxKeptBytes, bounds, fetched: () => {} })
  return { reader, fetches: () => fetches }
}

const values = (count: number, bytes: number): BatchRecord[] =>
  Array.from({ length: count }, (_, i) => ({ timestamp: i, key: null, value: Buffer.alloc(bytes, i) }))

test('what a fetch gave beyond a page is kept for the next, and read once', async () => {
  const { reader, fetches } = await readerOf(values(10, 100), 10_000)
  const place = { topic: 't', partition: 0 }
  for (let offset = 0; offset < 10; offset += 2) {
    const page = await reader.read(place, offset, { maxBytes: 200 })
    assert.deepEqual(
      page.map((record) => record.offset),
      [offset, offset + 1],
    )
  }
  assert.equal(fetches(), 1)
  assert.equal(reader.keptBytes, 0)
  // Two who read the same partition do not take from each other.
  await reader.read(place, 0, { maxBytes: 200 })
  await reader.read(place, 4, { maxBytes: 200 })
  await reader.read(place, 2, { maxBytes: 200 })
  await reader.read(place, 6, { maxBytes: 200 })
  assert.equal(fetches(), 3)
})

test('what is kept stays within its bound: the oldest goes', async () => {
  const { reader, fetches } = await readerOf(values(10, 100), 2_000)
  const read = (partition: number, offset: number) => reader.read({ topic: 't', partition }, offset, { maxBytes: 100 })
  for (const partition of [0, 1, 2, 3]) {
    await read(partition, 0)
    assert.ok(reader.keptBytes <= 2_000, `${reader.keptBytes}`)
  }
  assert.equal(reader.keptBytes, 1_800)
  await read(3, 1)
  await read(2, 1)
  assert.equal(fetches(), 4)
  await read(0, 1)
  assert.equal(fetches(), 5)
  reader.forget({ topic: 't', partition: 0 })
  await read(0, 2)
  assert.equal(fetches(), 6)
})

test('marks are remembered of the last records only', () => {
  const partitions = new Partitions()
  const place = { topic: 't', partition: 0 }
  const value = (i: number) => Buffer.from(`record ${i}`)
  for (let i = 0; i < 5_000; i++) partitions.remember(place, i, { timestamp: i, value: value(i) })
  assert.equal(partitions.mark(place, 3_975), null)
  const known = Array.from({ length: 1_024 }, (_, i) => partitions.mark(place, 3_976 + i))
  assert.ok(known.every((mark) => Number.isSafeInteger(mark)))
  assert.equal(new Set(known).size, 1_024)
  assert.equal(partitions.mark({ topic: 't', partition: 1 }, 3_976), null)
})

test('a position is stored whole, or refused', () => {
  const position = { topic: 't', partition: 3, offset: 7, reached: { 0: 5, 12: 2 ** 40 }, log: 'a log' }
  const text = encodeMetadata(position, 9, 123)
  assert.deepEqual(decodePosition('t', 3, 7, text), { position, mark: 123, generation: 9 })
  assert.equal(decodePosition('t', 3, 7, encodeMetadata(position, 9, null)).mark, null)
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [i, 2 ** 36]))
  assert.ok(encodeMetadata({ ...position, reached: many(220) }, 9, 2 ** 47).length <= 4096)
  assert.throws(() => encodeMetadata({ ...position, reached: many(300) }, 9, null), OperatorError)
  for (const foreign of [null, '', 'text', '{}', '7']) {
    assert.deepEqual(decodePosition('t', 3, 7, foreign).position, { ...position, reached: {}, log: '' })
  }
})

/** A registry that answers from a list, and counts. */
function registryOf(answers: (path: string, body: unknown) => { status: number; body: unknown }) {
  const asked: string[] = []
  const ask = async (url: string | URL | Request, init?: RequestInit) => {
    const path = String(url).replace('http://registry/api', '')
    asked.push(`${init?.method} ${path} ${new Headers(init?.headers).get('authorization') ?? ''}`.trim())
    const { status, body } = answers(path, init?.body === undefined ? undefined : JSON.parse(String(init.body)))
    return new Response(JSON.stringify(body), { status })
  }
  return { registry: new Registry({ url: 'http://ada:p%40ss@registry/api/', fetch: ask as typeof fetch }), asked }
}

test('a schema is asked for once, with user and password, which nobody is told', async () => {
  const { registry, asked } = registryOf((path) =>
    path.startsWith('/config') ? { status: 200, body: {} } : { status: 200, body: { id: 4, schema: '"string"' } },
  )
  for (let i = 0; i < 3; i++) {
    assert.equal(await registry.register('a b', '"string"'), 4)
    assert.equal(await registry.schema(4), '"string"')
  }
  const basic = `Basic ${Buffer.from('ada:p@ss').toString('base64')}`
  assert.deepEqual(asked, [
    `GET /config/a%20b ${basic}`,
    `POST /subjects/a%20b/versions ${basic}`,
    `GET /schemas/ids/4 ${basic}`,
  ])
  assert.equal(registry.url, 'http://registry/api')
})

test('schemas are remembered up to a bound', async () => {
  const { registry, asked } = registryOf((path) => ({ status: 200, body: { schema: path } }))
  for (let id = 0; id <= 10_000; id++) await registry.schema(id)
  await registry.schema(10_000)
  await registry.schema(1)
  assert.equal(asked.length, 10_001)
  await registry.schema(0)
  assert.equal(asked.length, 10_002)
})

test('a subject without compatibility is given one', async () => {
  const { registry, asked } = registryOf((path) =>
    path.startsWith('/config') && asked.length === 1
      ? { status: 404, body: { error_code: 40408, message: 'none' } }
      : { status: 200, body: { id: 1 } },
  )
  await registry.register('s', '"int"')
  assert.match(asked[1], /^PUT \/config\/s/)
})

test('what the registry says is told by who has to act', async () => {
  const saying = (status: number, message = 'so it is') =>
    registryOf((path) => (path.startsWith('/config') ? { status: 200, body: {} } : { status, body: { message } }))
      .registry
  for (const [status, kind, says] of [
    [409, OperatorError, /cannot read what was written with the one before.*so it is/],
    [422, OperatorError, /refuses registering s: 422 so it is$/],
    [401, OperatorError, /Put user and password into MILLRACE_SCHEMA_REGISTRY_URL/],
    [500, TransientError, /500 so it is/],
    [429, TransientError, /429/],
  ] as const) {
    await assert.rejects(saying(status).register('s', '"int"'), (error: Error) => {
      assert.ok(error instanceof kind, `${status}: ${error}`)
      assert.match(error.message, says)
      assert.doesNotMatch(error.message, /p@ss|p%40ss/)
      return true
    })
  }
  await assert.rejects(saying(404).schema(9), RangeError)
})
