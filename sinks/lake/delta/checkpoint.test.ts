import assert from 'node:assert/strict'
import { test } from 'node:test'
import { otelLogsAndSpans } from '#schemas/tables/tables.ts'
import { createMemoryStore } from '#sinks/store/testing/memory_store.ts'
import { type Action, commitKey, encodeActions, logPrefix, type Remove } from './actions.ts'
import { writeCheckpoint } from './checkpoint.ts'
import { newMetadata, PROTOCOL } from './schema.ts'
import { loadSnapshot } from './snapshot.ts'
import { MutableTableState, type TableState } from './table_state.ts'

const KEY = 'p/otel_logs_and_spans'
const add = (path: string, stats?: string): Action => ({
  add: {
    path,
    partitionValues: { date: '2026-03-04' },
    size: 10,
    modificationTime: 5,
    dataChange: false,
    ...(stats === undefined ? {} : { stats }),
  },
})
const removeOf = (path: string, deletionTimestamp: number): Remove => ({
  path,
  deletionTimestamp,
  dataChange: false,
  extendedFileMetadata: true,
  partitionValues: { date: '2026-03-04' },
  size: 10,
})

function stateOf(): MutableTableState {
  const state = new MutableTableState()
  state.apply(7, [
    { protocol: PROTOCOL },
    { metaData: { ...newMetadata(otelLogsAndSpans, 1), configuration: { 'delta.appendOnly': 'false', empty: '' } } },
    add('a', '{"numRecords":3,"note":"ü"}'),
    add('b'),
    { txn: { appId: 'log/raw/0', version: 9007199254740991 } },
    { remove: removeOf('old', 100) },
    { remove: removeOf('young', 5000) },
  ])
  return state
}

const plain = ({ version, protocol, metadata, files, removed, txns }: TableState) => ({
  version,
  protocol,
  metadata,
  files: [...files.values()],
  removed: [...removed.keys()],
  txns: [...txns],
})

test('a checkpoint holds the whole state, less what was removed long ago', async () => {
  const store = createMemoryStore()
  const state = stateOf()
  await writeCheckpoint(store, KEY, state, 1000)
  state.removed.delete('old')
  assert.deepEqual(plain(await loadSnapshot(store, KEY)), plain(state))
})

test('commits after the checkpoint are applied to it, those before it need not be there', async () => {
  const store = createMemoryStore()
  await writeCheckpoint(store, KEY, stateOf(), 0)
  await store.put(commitKey(KEY, 8), encodeActions([add('c'), { remove: removeOf('a', 6000) }]))
  const state = await loadSnapshot(store, KEY)
  assert.equal(state.version, 8)
  assert.deepEqual([...state.files.keys()], ['b', 'c'])
})

test('a broken pointer is only a hint', async () => {
  const store = createMemoryStore()
  await writeCheckpoint(store, KEY, stateOf(), 0)
  await store.put(`${logPrefix(KEY)}_last_checkpoint`, new TextEncoder().encode('{"version":'))
  assert.equal((await loadSnapshot(store, KEY)).version, 7)
  await store.delete([`${logPrefix(KEY)}_last_checkpoint`])
  assert.equal((await loadSnapshot(store, KEY)).version, 7)
})

test('a commit that is missing is not stepped over', async () => {
  const store = createMemoryStore()
  await writeCheckpoint(store, KEY, stateOf(), 0)
  await store.put(commitKey(KEY, 9), encodeActions([add('d')]))
  await assert.rejects(loadSnapshot(store, KEY), { name: 'InvariantError', message: /version 9 follows 7/ })
})

test('a table that is not there has version -1', async () => {
  assert.equal((await loadSnapshot(createMemoryStore(), KEY)).version, -1)
})
