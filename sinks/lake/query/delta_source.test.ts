import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { createFileStore } from '#sinks/store/file_store.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import { withFolder } from '#sinks/store/testing/folder.ts'
import { type Action, commitKey, encodeActions } from '../delta/actions.ts'
import { createDeltaSource, type DeltaSourceOptions } from './delta_source.ts'
import { filesIn } from './lake_files.ts'
import type { LakeSource } from './snapshot.ts'

const TABLE = 'otel_logs_and_spans'

const add = (path: string, stats?: object): Action => ({
  add: {
    path,
    partitionValues: { date: '2026-11-22' },
    size: 11,
    modificationTime: 0,
    dataChange: true,
    ...(stats === undefined ? {} : { stats: JSON.stringify(stats) }),
  },
})
const remove = (path: string): Action => ({
  remove: { path, deletionTimestamp: 0, dataChange: false, extendedFileMetadata: true, partitionValues: {}, size: 1 },
})
const txn = (version: number): Action => ({ txn: { appId: 'log/raw/0', version } })

interface Lake {
  readonly source: LakeSource
  readonly store: ObjectStore
  commit(project: string, version: number, ...actions: Action[]): Promise<boolean>
  /** Keys read since the last call. */
  reads(): readonly string[]
}

const withLake = (use: (lake: Lake) => Promise<void>, options: DeltaSourceOptions = {}) =>
  withFolder(async (directory) => {
    mkdirSync(directory, { recursive: true })
    const files = createFileStore(directory)
    let keys: string[] = []
    const store: ObjectStore = {
      ...files,
      get(key) {
        keys.push(key)
        return files.get(key)
      },
      list(prefix, listOptions) {
        keys.push(prefix)
        return files.list(prefix, listOptions)
      },
    }
    await use({
      store: files,
      source: createDeltaSource(store, filesIn(directory), options),
      commit: (project, version, ...actions) =>
        files.putIfAbsent(commitKey(`${project}/${TABLE}`, version), encodeActions(actions)),
      reads() {
        const since = keys
        keys = []
        return since
      },
    })
  })

describe('snapshots of Delta tables', () => {
  it('hold the active files, their bounds and the positions', () =>
    withLake(async ({ source, store, commit }) => {
      const stats = {
        numRecords: 3,
        minValues: { timestamp: '2026-11-22T10:00:00.001Z', id: 'a', duration: 5 },
        maxValues: { timestamp: '2026-11-22T10:00:02.000Z', id: 'b', duration: 6 },
      }
      await commit('p', 0, add('date=2026-11-22/one%20file.parquet', stats), add('date=2026-11-22/two.parquet'), txn(4))
      await commit('p', 1, remove('date=2026-11-22/two.parquet'), add('date=2026-11-22/three.parquet'), txn(9))
      const snapshot = await source.snapshot('p', TABLE)
      assert.equal(snapshot.version, 1)
      assert.deepEqual([...snapshot.positions], [['log/raw/0', 9]])
      const [one, three] = snapshot.files
      assert.deepEqual(one, {
        key: `p/${TABLE}/date=2026-11-22/one file.parquet`,
        sizeBytes: 11,
        date: '2026-11-22',
        minTimestamp: Date.parse('2026-11-22T10:00:00.001Z') * 1000,
        maxTimestamp: Date.parse('2026-11-22T10:00:02.000Z') * 1000,
        numRecords: 3,
        min: { timestamp: '2026-11-22T10:00:00.001Z', id: 'a' },
        max: { timestamp: '2026-11-22T10:00:02.000Z', id: 'b' },
      })
      assert.deepEqual([three.minTimestamp, three.maxTimestamp, three.min], [null, null, {}])
      const { paths } = await source.hold([three, one], new AbortController().signal)
      assert.deepEqual(
        paths,
        [three, one].map(({ key }) => store.localPath(key)),
      )
      assert.equal(dirname(dirname(paths[0])), join(source.directory('p'), TABLE))
    }))

  it('are empty before there is a table and see its first commit', () =>
    withLake(async ({ source, commit }) => {
      assert.equal((await source.snapshot('p', TABLE)).version, -1)
      await commit('p', 0, add('x'))
      assert.equal((await source.snapshot('p', TABLE)).version, 0)
    }))

  it('move on by reading the new commits alone, and those in use do not change', () =>
    withLake(async ({ source, commit, reads }) => {
      await commit('p', 0, add('a'), txn(0))
      const before = await source.snapshot('p', TABLE)
      await commit('p', 1, add('b'), txn(1))
      await commit('p', 2, add('c'), txn(2))
      reads()
      assert.equal((await source.snapshot('p', TABLE)).files.length, 3)
      const next = [1, 2, 3].map((version) => commitKey(`p/${TABLE}`, version))
      assert.deepEqual(reads(), next)
      assert.equal(before.files.length, 1)
      assert.equal(before.positions.get('log/raw/0'), 0)
    }))

  it('are loaded anew after an hour: a log may have been cleaned up meanwhile', async () => {
    let nowMs = 0
    await withLake(
      async ({ source, store, commit }) => {
        await commit('p', 0, add('a'))
        await source.snapshot('p', TABLE)
        // Commit 1 is gone already; without it 2 is not found by moving on.
        await commit('p', 2, add('c'))
        assert.equal((await source.snapshot('p', TABLE)).version, 0)
        await store.delete([commitKey(`p/${TABLE}`, 2)])
        await commit('p', 1, remove('a'))
        nowMs = 3_600_001
        assert.deepEqual((await source.snapshot('p', TABLE)).files, [])
      },
      { now: () => nowMs },
    )
  })

  it('of the tables asked for last are kept, up to the bound', () =>
    withLake(
      async ({ source, commit, reads }) => {
        for (const project of ['p', 'q', 'r']) await commit(project, 0, add('a'))
        const loads = async (project: string) => {
          reads()
          await source.snapshot(project, TABLE)
          return reads().includes(`${project}/${TABLE}/_delta_log/`)
        }
        assert.deepEqual([await loads('p'), await loads('q'), await loads('p')], [true, true, false])
        assert.deepEqual([await loads('r'), await loads('p'), await loads('q')], [true, false, true])
      },
      { maxTables: 2 },
    ))

  it('fail clearly where a file is outside of the lake, and where the id is no project', () =>
    withLake(async ({ source, commit }) => {
      await commit('p', 0, add('../../../q/secret.parquet'))
      await assert.rejects(source.snapshot('p', TABLE), /not a key/)
      await assert.rejects(source.snapshot('../p', TABLE), /not a project id/)
    }))
})
