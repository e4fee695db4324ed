/** The storage of the lake's generations: whose events are in one, how large it is, and how it is taken away. */
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Connection } from '#pipeline/postgres/database.ts'
import { TABLES, type Table } from '#schemas/tables/tables.ts'
import { checkedKey, type ObjectStore } from '#sinks/store/object_store.ts'
import type { StoreSettings } from '#sinks/store/open_store.ts'
import type { Add } from '../delta/actions.ts'
import { loadSnapshot } from '../delta/snapshot.ts'
import { generationFolder, tableKey } from '../paths.ts'
import { type CacheSettings, openLakeFiles } from '../query/lake_files.ts'

/** A project's table, by its key in the store of all generations. */
export interface StoredTable {
  readonly projectId: string
  readonly table: Table
  readonly key: string
}

/** Files that other programs on this machine can read, until they are released. */
export interface HeldFiles {
  /** A path for each, by table as they were given. */
  readonly paths: readonly (readonly string[])[]
  release(): void
}

export interface LakeStorage {
  readonly store: ObjectStore
  /** @throws TransientError where they cannot be fetched; QueryError where there is no room for all of them */
  hold(tables: readonly { readonly key: string; readonly files: readonly Add[] }[]): Promise<HeldFiles>
  /** Every table that a generation may have. */
  tables(generation: number): Promise<readonly StoredTable[]>
  /** Ids of logs other than this one that a generation has events of. */
  otherLogs(generation: number, log: string): Promise<readonly string[]>
  /** Bytes of all objects. */
  sizeBytes(generation: number): Promise<number>
  remove(generation: number): Promise<void>
}

/**
 * @param cache where objects of a bucket go that are to be read here
 * @param database knows the projects, those that have ended included
 * @throws OperatorError where the URL is none of a store
 */
export async function openLakeStorage(
  lake: StoreSettings,
  cache: CacheSettings,
  database: Connection,
): Promise<LakeStorage> {
  const { store, files: local } = await openLakeFiles(lake, cache)

  async function tables(generation: number): Promise<readonly StoredTable[]> {
    const projects = await database.query<{ id: string }>('select id from projects order by created_at, id')
    return projects.flatMap(({ id: projectId }) =>
      TABLES.map((table) => ({ projectId, table, key: prefixOf(generation) + tableKey(projectId, table.name) })),
    )
  }

  /** The first generation is beside the folders of the others. */
  async function prefixes(generation: number): Promise<readonly string[]> {
    if (generation !== 1) return [prefixOf(generation)]
    return [...new Set((await tables(1)).map(({ projectId }) => `${projectId}/`))]
  }

  return {
    store,
    async hold(tables) {
      const all = tables.flatMap(({ key, files }) =>
        files.map(({ path, size }) => ({ ...NO_STATISTICS, key: keyOf(key, path), sizeBytes: size })),
      )
      const { paths, release } = await local.hold(all, new AbortController().signal)
      let at = 0
      return {
        paths: tables.map(({ files }) => {
          at += files.length
          return paths.slice(at - files.length, at)
        }),
        release,
      }
    },
    tables,
    async otherLogs(generation, log) {
      const found = new Set<string>()
      for (const { key } of await tables(generation)) {
        const { txns } = await loadSnapshot(store, key)
        for (const appId of txns.keys()) found.add(appId.split('/')[0])
      }
      found.delete(log)
      return [...found]
    },
    async sizeBytes(generation) {
      let size = 0
      for (const prefix of await prefixes(generation)) {
        for (const { sizeBytes } of await store.list(prefix)) size += sizeBytes
      }
      return size
    },
    async remove(generation) {
      for (const prefix of await prefixes(generation)) {
        await store.delete((await store.list(prefix)).map(({ key }) => key))
        // In a folder, the folders are left.
        const path = store.localPath(`${prefix}x`)
        if (path !== null) await rm(dirname(path), { recursive: true, force: true })
      }
    },
  }
}

/** What is read whole needs none. */
const NO_STATISTICS = { date: '', minTimestamp: null, maxTimestamp: null, numRecords: 0, min: {}, max: {} }

/** Of a table's file. @throws RangeError where it is outside of the store */
export function keyOf(table: string, path: string): string {
  return checkedKey(`${table}/${decodeURIComponent(path)}`)
}

/** Of the keys of a generation; see `generationStore`. */
export function prefixOf(generation: number): string {
  return generation === 1 ? '' : `${generationFolder(generation)}/`
}
