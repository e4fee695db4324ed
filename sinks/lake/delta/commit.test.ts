import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransientError } from '#pipeline/errors/errors.ts'
import { otelLogsAndSpans } from '#schemas/tables/tables.ts'
import { createMemoryStore } from '#sinks/store/testing/memory_store.ts'
import { emptyHead, KEY, racingCommits, requestOf, run } from '../testing/racing_commits.ts'
import { type Action, commitKey, decodeActions, encodeActions } from './actions.ts'
import { commit } from './commit.ts'
import { loadSnapshot } from './snapshot.ts'
import { headOf } from './table_head.ts'

test('the first commit makes the table; a second writer’s goes after it', async () => {
  const store = createMemoryStore()
  assert.deepEqual(await run(store, emptyHead(), requestOf('a', { x: [0, 4] })), { kind: 'committed', version: 0 })
  assert.deepEqual(await run(store, emptyHead(), requestOf('b', { y: [0, 2] })), { kind: 'committed', version: 1 })
  const state = await loadSnapshot(store, KEY)
  assert.deepEqual([...state.files.keys()], ['a', 'b'])
  assert.deepEqual(
    [...state.txns],
    [
      ['x', 4],
      ['y', 2],
    ],
  )
  assert.equal(state.metadata?.partitionColumns[0], 'date')
})

test('a commit whose answer was lost is found by its id', async () => {
  const store = createMemoryStore()
  const head = emptyHead()
  let lost = 1
  const losing = {
    ...store,
    putIfAbsent: async (key: string, bytes: Uint8Array) => {
      const stored = await store.putIfAbsent(key, bytes)
      if (lost-- > 0) throw new TransientError('no answer')
      return stored
    },
  }
  const outcome = await commit(losing, KEY, otelLogsAndSpans, head, requestOf('a', { x: [0, 1] }), 0)
  assert.deepEqual(outcome, { kind: 'committed', version: 0 })
  assert.equal(store.objects.size, 1)
})

test('rows the table has already are not committed again', async () => {
  const store = createMemoryStore()
  const head = emptyHead()
  await run(store, emptyHead(), requestOf('a', { x: [0, 4] }))
  assert.deepEqual(await run(store, head, requestOf('b', { x: [3, 6], y: [0, 0] })), { kind: 'superseded' })
  assert.equal(head.txns.get('x'), 4, 'the head says up to where')
  assert.deepEqual(await run(store, head, requestOf('b', { x: [5, 6], y: [0, 0] })), { kind: 'committed', version: 1 })
})

test('a rewrite is abandoned when another writer removed its input', async () => {
  const store = createMemoryStore()
  const head = emptyHead()
  await run(store, head, requestOf('a', { x: [0, 0] }))
  const other = headOf(await loadSnapshot(store, KEY))
  await run(store, other, requestOf('b', {}, ['a']))
  assert.deepEqual(await run(store, head, requestOf('c', {}, ['a'])), { kind: 'conflict', path: 'a' })
})

test('after three failed writes the caller is told, and nothing is lost', async () => {
  const store = createMemoryStore()
  let writes = 0
  const full = {
    ...store,
    putIfAbsent: () => {
      writes++
      return Promise.reject(new TransientError('no space left'))
    },
  }
  const request = requestOf('a', { x: [0, 0] })
  await assert.rejects(commit(full, KEY, otelLogsAndSpans, emptyHead(), request, 0), { name: 'TransientError' })
  assert.equal(writes, 3)
  assert.equal((await run(store, emptyHead(), request)).kind, 'committed')
})

test('a table that another program raised to a newer protocol is refused with a sentence', async () => {
  const store = createMemoryStore()
  await run(store, emptyHead(), requestOf('a', { x: [0, 0] }))
  const raised: Action = { protocol: { minReaderVersion: 3, minWriterVersion: 7 } }
  await store.put(commitKey(KEY, 1), encodeActions([raised]))
  await assert.rejects(run(store, emptyHead(), requestOf('b', { x: [1, 1] })), {
    name: 'OperatorError',
    message: /raised to Delta protocol 3\/7 by another program/,
  })
})

test('columns the table lacks are added by the next commit; one of another type is refused', async () => {
  const store = createMemoryStore()
  const head = emptyHead()
  await run(store, head, requestOf('a', { x: [0, 0] }))
  const fields = JSON.parse(head.metadata!.schemaString).fields as { name: string; type: unknown }[]
  const change = async (version: number, changed: object[]) => {
    const metaData = { ...head.metadata!, schemaString: JSON.stringify({ type: 'struct', fields: changed }) }
    await store.put(commitKey(KEY, version), encodeActions([{ metaData }]))
  }
  await change(1, [...fields.slice(0, -1), { name: 'theirs', type: 'string' }])
  assert.deepEqual(await run(store, head, requestOf('b', { x: [1, 1] })), { kind: 'committed', version: 2 })
  const names = JSON.parse((await loadSnapshot(store, KEY)).metadata!.schemaString).fields.map(
    (it: { name: string }) => it.name,
  )
  assert.deepEqual(names.slice(-2), ['theirs', fields.at(-1)!.name])
  await change(
    3,
    fields.map((field) => (field.name === 'level' ? { ...field, type: 'long' } : field)),
  )
  await assert.rejects(run(store, head, requestOf('c', { x: [2, 2] })), {
    name: 'OperatorError',
    message: /column level is "long", this version writes "string"/,
  })
})

test('bytes that are no commit are named', () => {
  assert.throws(
    () => decodeActions(new TextEncoder().encode('{"add":'), 'p/_delta_log/7.json'),
    /p\/_delta_log\/7.json/,
  )
})

test('whatever the store loses, each origin is committed exactly once', async () => {
  for (let seed = 1; seed <= 60; seed++) await racingCommits(createMemoryStore(), seed)
})
